"""The rules of `.dockerignore` files, as Docker reads them.

See https://docs.docker.com/build/concepts/context/#dockerignore-files: patterns of Go's
`filepath.Match` from the context's root, with `**`; the last one that matches decides.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from launchkit.errors import Rejected

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
        """What matches *path*; *above* is what matched the directory that it stands in."""
        inherited = above or (False,) * len(self.lines)
        return tuple(
            known or line.regex.fullmatch(path) is not None
            for known, line in zip(inherited, self.lines, strict=True)
        )

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
        return Pattern(re.compile("".join(_translate(path)), re.DOTALL), keeps)
    except (IndexError, re.error) as exc:
        raise Rejected(
            f"{place}: {body!r} is not a pattern", hint="brackets and backslashes must be complete"
        ) from exc


def _translate(pattern: str) -> Iterator[str]:
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if pattern.startswith("**", at - 1):
            at += 1
            if pattern.startswith("/", at):
                at += 1
            yield ".*" if at == len(pattern) else "(?:.*/)?"
        elif char == "*":
            yield "[^/]*"
        elif char == "?":
            yield "[^/]"
        elif char == "\\":
            yield re.escape(pattern[at])
            at += 1
        elif char in "[]":
            yield char
        else:
            yield char if char in "^-" else re.escape(char)
