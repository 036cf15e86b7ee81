"""Patterns of ignore files as regular expressions, and how long it may take to compare files with
them, all together.

Each wildcard but the last stands in an atomic group with what follows it: where that was found
first is as good as any later place, because the next wildcard takes what lies between. So what is
found is not looked for again, and a pattern needs no longer than the product of its own length and
that of a path.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import TypeAlias, TypeVar

from launchkit.errors import Rejected
from launchkit.plain_text import visible_line

MOST_SECONDS = 60.0
"""Of a processor, for all files together: half a million of them take half as long with a hundred
patterns. It is measured, because no count of characters tells how long others' patterns take.
"""
Said = TypeVar("Said")


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


class Comparisons:
    """All comparisons of one directory."""

    def __init__(self) -> None:
        self._left = MOST_SECONDS

    def of(self, path: str, compare: Callable[[], Said]) -> Said:
        """Compare a path. :raises Rejected: instead, if those before have taken too long."""
        if self._left < 0:
            raise Rejected(
                f"{visible_line(path)}: there are more files up to this one than are compared with"
                f" the lines of the ignore files in {MOST_SECONDS:g} seconds of a processor",
                hint="say it in fewer and shorter lines, and with fewer **; a line may name a"
                " directory, and nothing below it is compared",
            )
        began = time.thread_time()
        said = compare()
        self._left -= time.thread_time() - began
        return said
