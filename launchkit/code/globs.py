"""Patterns of ignore files as regular expressions that need linear time, whatever the pattern is.

Each wildcard but the last stands in an atomic group with what follows it: where that was found
first is as good as any later place, because the next wildcard takes what lies between. So nothing
is ever tried again.
"""

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import TypeAlias


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
