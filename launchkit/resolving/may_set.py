"""What the words of `policy.launch_may_set` open.

A word is the place of what it opens, with all below it; with a `*` at its end, it is the beginning
of such places. Of resource arguments it opens what it names, and no more: an option of its own
key, or what its runner declares to be one (`Runner.option_keys`). A wide word, which names only the
way to many options, opens those of them that its runner knows to be harmless.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from launchkit.codec import Path, dotted
from launchkit.resolving.nested import flat

RESOURCE_ARGS = "resource_args"
BUILDER = "builder"
"""The part of resource arguments that builders read; a word may name it as a whole."""


@dataclass(frozen=True, kw_only=True)
class Openable:
    """What a runner declares of its resource arguments."""

    options: frozenset[str]
    """Keys, each of which stands for an option with all that is below it."""
    harmless: frozenset[tuple[str, ...]]
    """Keys on the way to what is harmless, from the first. A `*` is any one key. An empty one at
    the end: a value alone, no list and no mapping.
    """
    anywhere: Mapping[str, tuple[tuple[str, ...], ...]]
    """Such ways that may begin at any key, by the key with which they do."""


def openable(options: Iterable[str], harmless: Iterable[str | tuple[str, ...]]) -> Openable:
    """What a runner declares, in one spelling."""
    ways = [(*map(flat, (one,) if isinstance(one, str) else one),) for one in harmless]
    anywhere: dict[str, tuple[tuple[str, ...], ...]] = {}
    for _, *way in (one for one in ways if one[0] == "*"):
        anywhere[way[0]] = (*anywhere.get(way[0], ()), (*way,))
    return Openable(
        options=frozenset({BUILDER, *map(flat, options)}),
        harmless=frozenset(one for one in ways if one[0] != "*"),
        anywhere=anywhere,
    )


def is_open(place: Path, words: Collection[str], known: Openable) -> bool:
    """Whether one of the words opens a place."""
    return any(_opens(word, place, known) for word in words)


def _opens(word: str, place: Path, known: Openable) -> bool:
    named = _named(word, place)
    if named is None:
        return False
    if place[0] != RESOURCE_ARGS:
        return True
    keys = [flat(part) for part in place[named:] if isinstance(part, str)]
    return (
        (not keys and named > 1)
        or any(flat(part) in known.options for part in place[1:named] if isinstance(part, str))
        or _is_harmless(_keys(place), known)
    )


def _named(word: str, place: Path) -> int | None:
    """How many parts of a place a word names in full; None: it is about another place."""
    ends = range(1, len(place) + 1)
    if not word.endswith("*"):
        return next((end for end in ends if dotted(place[:end]) == word), None)
    begin = word[:-1]
    if any(dotted(place[:end]).startswith(begin) for end in ends):
        return sum(len(dotted(place[:end])) < len(begin) for end in ends)
    return None


def _is_harmless(keys: tuple[str, ...], known: Openable) -> bool:
    """Whether the keys are a way to what is harmless, or some of them are one that may begin
    anywhere and none before them is an option of its own, in which any key may be a name of its
    owner's.
    """
    if any(_leads(way, keys) for way in known.harmless):
        return True
    for begin, key in enumerate(keys):
        if any(_leads(way, keys[begin:]) for way in known.anywhere.get(key, ())):
            return True
        if key in known.options:
            return False
    return False


def _leads(way: tuple[str, ...], keys: tuple[str, ...]) -> bool:
    """Whether the first keys are *way*."""
    whole = len(way) <= len(keys)
    return whole and all(one in ("*", key) for one, key in zip(way, keys, strict=False))


def _keys(place: Path) -> tuple[str, ...]:
    """The keys of a place; behind those of a value that is not one of a list, an empty one, as
    which no other counts.
    """
    keys = (*(flat(part) or "-" for part in place[1:] if isinstance(part, str)),)
    return (*keys, "") if isinstance(place[-1], str) else keys
