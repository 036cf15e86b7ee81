"""The rules of `.dockerignore` files, as Docker reads them.

See https://docs.docker.com/build/concepts/context/#dockerignore-files: patterns of Go's
`filepath.Match` from the context's root, with `**`; the last one that matches decides. What that
page leaves open is as moby's patternmatcher has it: `**` before plain text and nothing else stands
for any beginning, so `**.pt` is all that ends so.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from launchkit.errors import Rejected

_SPECIAL = re.compile(r"[*?\[\]\\]")
_MEMBER = r"(?:\\.|[^\]\\-])"
_BRACKET = rf"\[\^?(?:{_MEMBER}(?:-{_MEMBER})?)+\]"
_PIECE = re.compile(rf"\*\*/?|{_BRACKET}|\\.|.", re.DOTALL)
_WELL_FORMED = re.compile(rf"(?:[^\[\\]|\\.|{_BRACKET})*", re.DOTALL)

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
    found = (_pattern(line, f"{place}:{number}") for number, line in enumerate(lines, 1))
    return Patterns(tuple(pattern for pattern in found if pattern))


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
        return Pattern(_compiled(path), keeps)
    except (ValueError, re.error) as exc:
        raise Rejected(
            f"{place}: {body!r} is not a pattern", hint="brackets and backslashes must be complete"
        ) from exc


def _compiled(path: str) -> re.Pattern[str]:
    """:raises ValueError: if *path* is not a pattern."""
    if not _WELL_FORMED.fullmatch(path):
        raise ValueError(path)
    start, _, plain = path.partition("**")
    if not start and plain and not _SPECIAL.search(plain):
        anything = "(?s:.*)"
        below = f"(?:{anything}/)?" if plain.startswith("/") else anything
        return re.compile(below + re.escape(plain.removeprefix("/")))
    if not _SPECIAL.search(path):
        return re.compile(re.escape(path))
    return re.compile("".join(_translate(path)), re.ASCII)


def _translate(pattern: str) -> Iterator[str]:
    for piece in _PIECE.finditer(pattern):
        text = piece[0]
        if text.startswith("**"):
            yield ".*" if piece.end() == len(pattern) else "(?:.*/)?"
        elif text == "*":
            yield "[^/]*"
        elif text == "?":
            yield "[^/]"
        elif text.startswith("["):
            yield "[" + re.sub(r"(?<!\\)[\[&~|]", r"\\\g<0>", text[1:])
        elif text.startswith("\\") or text == "^":
            yield text  # Docker hands them to its regular expressions, where they may mean more
        else:
            yield re.escape(text)
