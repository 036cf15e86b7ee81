"""Texts that a regular expression may take long over, made from the expression itself: what one of
its repeats takes, very often, after what stands before it and with an end that it does not want.
"""

import ast
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any, TypeAlias

Nodes: TypeAlias = Sequence[tuple[Any, Any]]
Make: TypeAlias = Callable[[int], str]
"""Makes a text of so many characters."""
CHARACTERS = "a0 -_.=,:/@$*'\"{}[]\\#\n\r\t!AZ9|&;()<>%+~^`?é\x1b"
REPEATS = (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT)
LONG = 64
"""Of repeats that may go on for so long."""
ENDS = ("", "\0", "\n!")
ROUNDS = 4
USES = ("match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer")
ANCHORED = {"match", "fullmatch"}


def attacks(pattern: str, flags: int) -> Iterator[Make]:
    """Makers of texts that are hard for a pattern, each once."""
    chance = random.Random(repr(pattern))
    nodes = list(_parser.parse(pattern, flags))
    seen = set()
    for _ in range(ROUNDS):
        for before, again in _pumps(nodes, "", chance):
            if (before, again) not in seen:
                seen.add((before, again))
                yield from _makers(before, again)


def _makers(before: str, again: str) -> Iterator[Make]:
    for end in ENDS:
        yield lambda many, end=end: before + again * (many // len(again)) + end
    for word in sorted({before, before + again, (before + again)[:-1]} - {""}):
        yield lambda many, word=word: word * (many // len(word)) + "\0"


def _pumps(nodes: Nodes, before: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    """What stands before each long repeat, and what is repeated."""
    for at, (op, value) in enumerate(nodes):
        start = before + _sample(nodes[:at], chance)
        if op in REPEATS:
            _least, most, inner = value
            if most >= LONG:
                yield start, _sample(inner, chance) or "a"
        for inner in _inside(op, value):
            yield from _pumps(inner, start, chance)


def _inside(op: Any, value: Any) -> list[Nodes]:
    if op in REPEATS:
        return [list(value[2])]
    if op is ops.SUBPATTERN:
        return [list(value[-1])]
    if op is ops.ATOMIC_GROUP:
        return [list(value)]
    if op is ops.BRANCH:
        return [list(one) for one in value[1]]
    if op in {ops.ASSERT, ops.ASSERT_NOT}:
        return [list(value[1])]
    return []


def _sample(nodes: Nodes, chance: random.Random) -> str:
    """A short text that they match, but for what looks around."""
    return "".join(_one(op, value, chance) for op, value in nodes)


def _one(op: Any, value: Any, chance: random.Random) -> str:
    match op:
        case ops.LITERAL:
            return chr(value)
        case ops.NOT_LITERAL:
            return "b" if chr(value) == "a" else "a"
        case ops.ANY | ops.IN:
            return chance.choice(list("a .=@") if op is ops.ANY else _taken(value) or ["a"])
        case ops.MAX_REPEAT | ops.MIN_REPEAT | ops.POSSESSIVE_REPEAT:
            many = chance.choice([value[0], min(value[1], value[0] + 1)])
            return "".join(_sample(value[2], chance) for _ in range(min(many, 8)))
        case ops.SUBPATTERN | ops.ATOMIC_GROUP | ops.BRANCH:
            return _sample(chance.choice(_inside(op, value)), chance)
    return ""


def _taken(items: Nodes) -> list[str]:
    """Characters that a set takes, of those that are tried."""
    is_not = items[0][0] is ops.NEGATE
    given = [chr(one if op is ops.LITERAL else one[0]) for op, one in items if op in ORDINARY]
    return [one for one in (*CHARACTERS, *given) if _is_in(one, items) != is_not]


ORDINARY = {ops.LITERAL, ops.RANGE}
IS_OF: dict[Any, Callable[[str], bool]] = {
    ops.CATEGORY_DIGIT: str.isdigit,
    ops.CATEGORY_SPACE: str.isspace,
    ops.CATEGORY_WORD: lambda one: one.isalnum() or one == "_",
    ops.CATEGORY_NOT_DIGIT: lambda one: not one.isdigit(),
    ops.CATEGORY_NOT_SPACE: lambda one: not one.isspace(),
    ops.CATEGORY_NOT_WORD: lambda one: not (one.isalnum() or one == "_"),
}


def _is_in(one: str, items: Nodes) -> bool:
    return any(
        (op is ops.LITERAL and value == ord(one))
        or (op is ops.RANGE and value[0] <= ord(one) <= value[1])
        or (op is ops.CATEGORY and IS_OF[value](one))
        for op, value in items
    )


def written_out(source: Path) -> Iterator[tuple[str, str]]:
    """The patterns that a module gives to functions of `re` in words, and how each is used."""
    for node in ast.walk(ast.parse(source.read_text())):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="re"), attr=use),
                args=[ast.Constant(value=str(pattern)), *_],
            ) if use in USES:
                yield pattern, use if use in ANCHORED else "sub"


def uses_of(source: str, name: str) -> list[str]:
    """In which ways a module uses a pattern of a name: `match`, `fullmatch` or `sub`, which stands
    for all that look at each place; all of them, if that cannot be told.
    """
    used = {use for use in USES if f"{name}.{use}(" in source}
    anchored = used & ANCHORED
    return sorted(anchored | ({"sub"} if used - anchored else set())) or ["fullmatch", "sub"]


def first(makers: Iterator[Make], most: int) -> Iterator[Make]:
    """So many at the most."""
    return itertools.islice(makers, most)
