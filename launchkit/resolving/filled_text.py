"""A text of a queue with values in its fields, of which it is known who brought each character."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

from launchkit.model import Scalar, Variable


@dataclass(frozen=True, slots=True)
class Piece:
    """What one field became, or the owner's words between fields; defaults are such words."""

    text: str
    name: str | None = None
    """Of the variable whose value a launch chose."""
    is_free: bool = False
    """A value of which the owner did not say, with `pattern` or `enum`, what it may be."""
    is_written: bool = True
    """The owner wrote it as it is, if only as one of several."""
    is_number: bool = False
    start: int = 0

    @property
    def end(self) -> int:
        """Where the next piece begins."""
        return self.start + len(self.text)


@dataclass(frozen=True)
class FilledText:
    """The pieces of a text, in their order."""

    pieces: tuple[Piece, ...]

    @cached_property
    def text(self) -> str:
        """What they are together."""
        return "".join(piece.text for piece in self.pieces)

    @cached_property
    def free(self) -> tuple[Piece, ...]:
        """The values that no `pattern` or `enum` is for."""
        return tuple(piece for piece in self.pieces if piece.is_free)

    @cached_property
    def _ends(self) -> list[int]:
        return [piece.end for piece in self.pieces]

    def within(self, start: int, end: int) -> list[Piece]:
        """The pieces that make a part of the text, with those that left nothing in it or at its
        ends.
        """
        found: list[Piece] = []
        for piece in islice(self.pieces, bisect_left(self._ends, start), None):
            if piece.start > end:
                break
            if not piece.text or (piece.start < end and piece.end > start):
                found.append(piece)
        return found

    def is_joined(self, start: int, end: int) -> bool:
        """Whether a part of the text became what it is by a launch's value together with another
        one or the owner's words.
        """
        if self._is_of_one(start, end):
            return False
        pieces = self._inside(start, end)
        return len(pieces) > 1 and any(piece.name for piece in pieces)

    def _is_of_one(self, start: int, end: int) -> bool:
        """Whether a part of the text, which is some, is all of one piece."""
        at = bisect_left(self._ends, end)
        return at < len(self.pieces) and self.pieces[at].start <= start

    def is_written(self, start: int, end: int) -> bool:
        """Whether the owner wrote all of a part of the text as it is."""
        return all(piece.is_written for piece in self._inside(start, end))

    def _inside(self, start: int, end: int) -> list[Piece]:
        return [one for one in self.within(start, end) if one.text or start < one.start < end]


def filled_text(
    text: str,
    field: re.Pattern[str],
    values: Mapping[str, Scalar],
    variables: Mapping[str, Variable],
) -> FilledText:
    """Put *values*, or the owner's defaults, into the fields of a text that *field* finds."""
    pieces: list[Piece] = []
    words = ""
    for piece in _pieces(text, field, values, variables):
        if piece.name is None:
            words += piece.text
            continue
        _add(pieces, Piece(words))
        _add(pieces, piece)
        words = ""
    _add(pieces, Piece(words))
    return FilledText(tuple(pieces))


def _add(pieces: list[Piece], piece: Piece) -> None:
    if piece.text or piece.name:
        pieces.append(replace(piece, start=pieces[-1].end if pieces else 0))


def _pieces(
    text: str,
    field: re.Pattern[str],
    values: Mapping[str, Scalar],
    variables: Mapping[str, Variable],
) -> Iterator[Piece]:
    at = 0
    for match in field.finditer(text):
        yield Piece(text[at : match.start()])
        yield _value(match[1], values, variables)
        at = match.end()
    yield Piece(text[at:])


def _value(name: str, values: Mapping[str, Scalar], variables: Mapping[str, Variable]) -> Piece:
    one = variables[name]
    if name not in values or values[name] == one.default:
        return Piece(str(values.get(name, one.default)))
    is_free = one.pattern is None and one.enum is None
    return Piece(
        str(values[name]),
        name,
        is_free,
        is_written=one.enum is not None,
        is_number=not isinstance(values[name], str),
    )
