"""The rules of `.dockerignore` files, as Docker reads them.

See https://docs.docker.com/build/concepts/context/#dockerignore-files: patterns of Go's
`filepath.Match` from the context's root, with `**`; the last one that matches decides.
"""

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from launchkit.code.globs import Piece, Wild, linear
from launchkit.errors import Rejected

_SPECIAL = re.compile(r"[*?\[\]\\]")
MOST_WAYS = 16
"""So many patterns are made of one at most: two for each `**` inside a name."""
MOST_OF_ALL = 500_000
"""Characters of the expressions of all lines: what a file may say in a plain way has fewer."""
_CLASS = re.compile(r"\[(\^?)((?:\\.|[^\]\\])+)\]", re.DOTALL)
_MEMBER = re.compile(r"\\?(.)(?:-\\?(.))?", re.DOTALL)

Matches = tuple[bool, ...]
"""Which patterns match a path or a directory above it."""


@dataclass(frozen=True)
class Pattern:
    """One line of a `.dockerignore` file; *keeps* is true for one that begins with `!`."""

    regex: re.Pattern[str]
    keeps: bool


@dataclass(frozen=True)
class Patterns:
    """All lines of a `.dockerignore` file."""

    lines: tuple[Pattern, ...] = ()

    @property
    def keeps_some(self) -> bool:
        """Whether something below an ignored directory may be kept."""
        return any(line.keeps for line in self.lines)

    def matches(self, path: str, above: Matches = ()) -> Matches:
        """What matches *path*; *above* is what matched the directory that it stands in.

        A line that could change nothing is not asked, as Docker does it.
        """
        inherited = above or (False,) * len(self.lines)
        found: list[bool] = []
        ignored = False
        for known, line in zip(inherited, self.lines, strict=True):
            yes = known or (line.keeps is ignored and line.regex.fullmatch(path) is not None)
            ignored = not line.keeps if yes else ignored
            found.append(yes)
        return tuple(found)

    def ignores(self, matches: Matches) -> bool:
        """Whether a path that *matches* is left out."""
        keeps = [line.keeps for line, yes in zip(self.lines, matches, strict=True) if yes]
        return bool(keeps) and not keeps[-1]


def parse_dockerignore(text: str, place: str) -> Patterns:
    """Read a `.dockerignore` file. :raises Rejected: naming *place* and the line that is wrong."""
    lines = text.removeprefix("\ufeff").split("\n")
    found: list[Pattern] = []
    left = MOST_OF_ALL
    for number, line in enumerate(lines, 1):
        pattern = _pattern(line, f"{place}:{number}")
        if pattern is None:
            continue
        left -= len(pattern.regex.pattern)
        if left < 0:
            raise Rejected(
                f"{place}:{number}: up to here there are too many wildcards",
                hint="say it in fewer lines, and with no ** inside names",
            )
        found.append(pattern)
    return Patterns(tuple(found))


def _pattern(line: str, place: str) -> Pattern | None:
    body = line.strip()
    if line.startswith("#") or not body:
        return None
    keeps = body.startswith("!")
    body = body.removeprefix("!").strip()
    if not body:
        raise Rejected(f"{place}: there is nothing after the `!`", hint="write a path after it")
    path = posixpath.normpath(body).lstrip("/") or "/"
    try:
        regex = re.compile("|".join(_ways(path)), re.DOTALL)
    except (IndexError, ValueError, re.error) as exc:
        raise Rejected(
            f"{place}: {body!r} is not a pattern",
            hint="brackets and backslashes must be complete, and few ** stand inside names",
        ) from exc
    return Pattern(regex, keeps)


def _ways(pattern: str) -> Sequence[str]:
    """`**` inside a name means nothing, or the rest of the name and any directories: a pattern for
    each.
    """
    start, _, plain = pattern.partition("**")
    if not start and plain and not _SPECIAL.search(plain):  # any beginning, as moby has it
        below = "(?:.*/)?" if plain.startswith("/") else ".*"
        return [below + re.escape(plain.removeprefix("/"))]
    patterns: list[list[Piece]] = [[]]
    for piece in _translate(pattern):
        here = patterns[0]
        if piece is not Wild.FOLDERS or not here or here[-1] in {"/", Wild.FOLDERS}:
            for one in patterns:
                one.append(piece)
        elif len(patterns) < MOST_WAYS:
            patterns += [[*one, Wild.STAR, "/", Wild.FOLDERS] for one in patterns]
        else:
            raise ValueError("too many ** inside names")
    return [*map(linear, patterns)]


def _translate(pattern: str) -> Iterator[Piece]:
    at = 0
    while at < len(pattern):
        piece, at = _piece(pattern, at)
        yield piece


def _piece(pattern: str, at: int) -> tuple[Piece, int]:
    """What stands at *at*, and where the next piece begins."""
    char = pattern[at]
    if pattern.startswith("**", at):
        end = at + 3 if pattern.startswith("/", at + 2) else at + 2
        return (Wild.REST if end == len(pattern) else Wild.FOLDERS), end
    if char == "*":
        return Wild.STAR, at + 1
    if char == "?":
        return "[^/]", at + 1
    if char == "\\":
        return re.escape(pattern[at + 1]), at + 2
    if char == "[":
        return _bracket(pattern, at)
    return re.escape(char), at + 1


def _bracket(pattern: str, at: int) -> tuple[Piece, int]:
    found = _CLASS.match(pattern, at)
    if not found:
        raise ValueError("an open bracket")
    members = "".join(
        re.escape(first) + (f"-{re.escape(last)}" if last else "")
        for first, last in _MEMBER.findall(found[2])
    )
    return f"[{found[1]}{members}]", found.end()
