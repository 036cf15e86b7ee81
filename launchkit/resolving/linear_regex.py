"""Regular expressions that others have written, in linear time: all ways through one are gone at
once, so that none is tried twice. The syntax is Python's, without what needs to look back or ahead.
"""

import re
import warnings
from bisect import bisect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from re import _constants as c  # type: ignore[attr-defined] # what re itself parses with
from re import _parser  # type: ignore[attr-defined]
from typing import Any

MOST_CHARACTERS = 1_000
"""Of an expression, and of a text that is compared with one."""
MOST_STEPS = 2_000
"""A counted repetition is as many steps as it may have."""
MOST_WORK = 50_000
"""Steps that are looked at for one text."""

Test = Callable[[str], bool]
"""Whether a character is one that a step takes."""


class Work:
    """What may still be done."""

    def __init__(self, most: int = MOST_WORK) -> None:
        self._left = most

    def spend(self, much: int) -> bool:
        """Whether that may still be done, and what follows."""
        self._left -= much
        return self._left >= 0


@dataclass(slots=True)
class _Step:
    """Takes one character if it has a *test*, and goes on to all of *next*; *at* must hold."""

    next: list[int] = field(default_factory=list)
    test: Test | None = None
    at: Any = None


class LinearRegex:
    """A regular expression. :raises ValueError: if it is none, too large, or not linear."""

    def __init__(self, source: str) -> None:
        if len(source) > MOST_CHARACTERS:
            raise ValueError(f"it has more than {MOST_CHARACTERS} characters")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what is doubtful today is read as today
                parsed = _parser.parse(source)
        except (re.error, OverflowError, RecursionError) as exc:
            raise ValueError(f"it is no regular expression: {exc}") from exc
        if parsed.state.flags & ~re.UNICODE:
            raise ValueError("it may have no flags")
        self._steps: list[_Step] = [_Step()]
        self._tests: dict[int, Test] = {}
        """By the identity of what was parsed, which a repetition names again and again."""
        try:
            self._end = self._sequence(parsed, 0)
        except RecursionError as exc:
            raise ValueError("it is nested too deep") from exc
        self.size = len(self._steps)

    def search(self, text: str) -> bool:
        """Whether it is found anywhere in *text*. :raises ValueError: as `fullmatch` does."""
        return self._found(text, anywhere=True)

    def fullmatch(self, text: str, of_all: Work | None = None) -> bool:
        """Whether all of *text* is what it says.

        :raises ValueError: if that takes too long, by itself or with what was done before.
        """
        return self._found(text, anywhere=False, of_all=of_all)

    def _found(self, text: str, *, anywhere: bool, of_all: Work | None = None) -> bool:
        here = self._closure([0], text, 0)
        work = Work()
        for at, char in enumerate(text):
            if not work.spend(len(here)) or (of_all and not of_all.spend(len(here))):
                raise ValueError(f"a text of {len(text)} characters is too long for it")
            if anywhere and self._end in here:
                return True
            steps = [self._steps[number] for number in here]
            taken = [n for step in steps if step.test and step.test(char) for n in step.next]
            here = self._closure([*taken, 0] if anywhere else taken, text, at + 1)
            if not here:
                return False
        return self._end in here

    def _closure(self, starts: Iterable[int], text: str, at: int) -> set[int]:
        """The steps that are reached without taking a character."""
        seen: set[int] = set()
        left = list(starts)
        while left:
            number = left.pop()
            step = self._steps[number]
            if number in seen or (step.at is not None and not _holds(step.at, text, at)):
                continue
            seen.add(number)
            if step.test is None:
                left += step.next
        return seen

    def _add(self, start: int, step: _Step) -> int:
        """A step behind *start*; gives the one that follows it."""
        if len(self._steps) >= MOST_STEPS:
            raise ValueError(f"it has more than {MOST_STEPS} steps")
        self._steps.append(step)
        self._steps[start].next.append(len(self._steps) - 1)
        after = _Step()
        self._steps.append(after)
        step.next.append(len(self._steps) - 1)
        return len(self._steps) - 1

    def _sequence(self, items: Iterable[Any], start: int) -> int:
        for kind, value in items:
            start = self._item(kind, value, start)
        return start

    def _item(self, kind: Any, value: Any, start: int) -> int:
        if kind is c.SUBPATTERN:
            if value[1] or value[2]:
                raise ValueError("it may have no flags")
            return self._sequence(value[3], start)
        if kind is c.BRANCH:
            return self._branch(value[1], start)
        if kind in {c.MAX_REPEAT, c.MIN_REPEAT}:
            least, most, inner = value
            return self._repeat((least, most), inner, start)
        if kind is c.AT:
            return self._add(start, _Step(at=value))
        if kind is not c.IN:
            return self._add(start, _Step(test=_test(kind, value)))
        if id(value) not in self._tests:
            self._tests[id(value)] = _test(kind, value)
        return self._add(start, _Step(test=self._tests[id(value)]))

    def _branch(self, ways: Sequence[Any], start: int) -> int:
        ends = [self._sequence(way, self._add(start, _Step())) for way in ways]
        return self._joined(ends)

    def _repeat(self, times: tuple[int, Any], items: Any, start: int) -> int:
        least, most = times
        for _ in range(least):
            start = self._sequence(items, self._add(start, _Step()))
        if most is c.MAXREPEAT:
            again = self._add(start, _Step())
            self._steps[self._sequence(items, again)].next.append(again)
            return self._joined([again])
        ends = [start]
        for _ in range(most - least):
            start = self._sequence(items, self._add(start, _Step()))
            ends.append(start)
        return self._joined(ends)

    def _joined(self, ends: Sequence[int]) -> int:
        after = self._add(ends[0], _Step())
        for end in ends[1:]:
            self._steps[end].next.append(after)
        return after


@lru_cache(maxsize=64)
def linear_regex(source: str) -> LinearRegex:
    """The expression of that text. :raises ValueError: as `LinearRegex` does."""
    return LinearRegex(source)


def _test(kind: Any, value: Any) -> Test:
    if kind is c.LITERAL:
        return lambda char: ord(char) == value
    if kind is c.NOT_LITERAL:
        return lambda char: ord(char) != value
    if kind is c.ANY:
        return lambda char: char != "\n"
    if kind is c.IN:
        negated = value[0][0] is c.NEGATE
        return _one_of(value[negated:], negated=negated)
    raise ValueError(f"it may not hold {str(kind).lower().replace('_', ' ')}")


def _one_of(members: Iterable[Any], *, negated: bool) -> Test:
    """Whether a character is in a set, however many members that has."""
    ranges: list[tuple[int, int]] = []
    categories: dict[Any, Any] = {}
    for kind, value in members:
        if kind is c.CATEGORY:
            categories[value] = re.compile(_CATEGORIES[value])
        else:
            ranges.append(value if kind is c.RANGE else (value, value))
    borders = _borders(ranges)

    def holds(char: str) -> bool:
        inside = bisect(borders, ord(char)) % 2 == 1
        return inside or any(found.match(char) for found in categories.values())

    return (lambda char: not holds(char)) if negated else holds


def _borders(ranges: Iterable[tuple[int, int]]) -> Sequence[int]:
    """Where characters of the ranges begin, and where they end, in turn."""
    borders: list[int] = []
    for low, high in sorted(ranges):
        if borders and low <= borders[-1]:
            borders[-1] = max(borders[-1], high + 1)
        else:
            borders += (low, high + 1)
    return borders


_CATEGORIES = {
    c.CATEGORY_DIGIT: r"\d",
    c.CATEGORY_NOT_DIGIT: r"\D",
    c.CATEGORY_SPACE: r"\s",
    c.CATEGORY_NOT_SPACE: r"\S",
    c.CATEGORY_WORD: r"\w",
    c.CATEGORY_NOT_WORD: r"\W",
}
_WORD = re.compile(r"\w")


def _holds(place: Any, text: str, at: int) -> bool:
    if place in {c.AT_BEGINNING, c.AT_BEGINNING_STRING}:
        return at == 0
    if place is c.AT_END_STRING:
        return at == len(text)
    if place is c.AT_END:
        return at == len(text) or (at == len(text) - 1 and text[at] == "\n")
    before = at > 0 and _WORD.match(text[at - 1]) is not None
    behind = at < len(text) and _WORD.match(text[at]) is not None
    return (before is not behind) is (place is c.AT_BOUNDARY)
