"""Patterns of ignore files as regular expressions that need linear time, whatever the pattern is,
and how much work it may be to compare files with them, all together.

Each wildcard but the last stands in an atomic group with what follows it: where that was found
first is as good as any later place, because the next wildcard takes what lies between. So nothing
is ever tried again.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import NamedTuple, TypeAlias

from launchkit.errors import Rejected
from launchkit.plain_text import visible_line

MOST_CHARACTERS = 3_000_000_000
"""Of paths, once for each pattern: half a million files of sixty with a hundred. It takes a minute
if patterns are made for that, and a few seconds else.
"""
NAME = 32
"""What is counted for a pattern that looks at single names of a path."""


class Wild(Enum):
    """What stands for more than one character."""

    STAR = "*"
    """Any characters of one name."""
    FOLDERS = "**/"
    """Any directories, or none; it stands where a name begins."""
    REST = "**"
    """All that follows, at the end."""


Piece: TypeAlias = str | Wild
"""The regular expression of one character, or a wildcard."""


def linear(pieces: Sequence[Piece], rest: str = ".*") -> str:
    """The regular expression of a whole pattern; *rest* is that of `Wild.REST`."""
    first, *others = _parts(list(_merged(pieces)), Wild.FOLDERS)
    text = _names(first, rest, last=not others)
    for at, part in enumerate(others, start=1):
        last = at == len(others)
        found = f"(?:[^/]+/)*?{_names(part, rest, last=last)}"
        text += found if last else f"(?>{found})"
    return text


def _names(pieces: Sequence[Piece], rest: str, *, last: bool) -> str:
    """Names in a row, of which each but the *last* ones of a pattern ends with a slash."""
    ends = bool(pieces) and pieces[-1] is Wild.REST
    first, *others = _parts(pieces[:-1] if ends else pieces, Wild.STAR)
    text = "".join(map(str, first))
    for at, part in enumerate(others, start=1):
        fixed = "".join(map(str, part))
        final = last and not ends and at == len(others)
        text += f"[^/]*{fixed}" if final else f"(?>[^/]*?{fixed})"
    return text + rest if ends else text


def _merged(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Without wildcards that stand behind one that does the same."""
    before: Piece = ""
    for piece in pieces:
        if not (isinstance(piece, Wild) and piece is before):
            yield piece
        before = piece


def _parts(pieces: Sequence[Piece], wild: Wild) -> list[list[Piece]]:
    """What stands between the wildcards of that kind."""
    parts: list[list[Piece]] = [[]]
    for piece in pieces:
        if piece is wild:
            parts.append([])
        else:
            parts[-1].append(piece)
    return parts


class Count(NamedTuple):
    """How many patterns there are, by what they look at."""

    of_names: int = 0
    of_paths: int = 0
    """Those with `**`, that look at a whole path."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.of_names + self.of_paths

    @classmethod
    def of_all(cls, counts: Iterable["Count"]) -> "Count":
        """Those of several files or lines together."""
        return cls(*map(sum, zip(*counts, strict=True)))


class Comparisons:
    """All comparisons of one directory."""

    def __init__(self) -> None:
        self._left = MOST_CHARACTERS

    def take(self, count: Count, path: str) -> None:
        """Compare a path with so many. :raises Rejected: if it is too much with those before."""
        self._left -= count.of_names * NAME + count.of_paths * len(path)
        if self._left < 0:
            raise Rejected(
                f"{visible_line(path)}: there are more files up to this one than can be compared"
                " with the lines of the ignore files",
                hint="say it in fewer lines, and with fewer **; a line may name a directory, and"
                " nothing below it is compared",
            )
