"""Ways through plain data: every leaf, or every text, with the path to it and what keys these lead
through; and how much they may be, as each value is looked at many times.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from launchkit.codec import Path, dotted
from launchkit.errors import Rejected
from launchkit.plain_text import shortened

MOST_VALUES = 20_000
"""Of a launch with its job, and of a queue; lists and mappings are some, too."""
MOST_CHARACTERS = 4_000_000
"""In those of a launch with its job; no system takes as many in an environment."""
LONGEST_KEY = 1_000
MOST_OF_PATHS = 2_000_000
"""Characters of the paths to all of them: what one long key is above is told with it each time."""
MOST_CHARACTERS_OF_A_QUEUE = 1_000_000
"""In those of its config, and of its variables; as many as a file of YAML may have."""

MOST_SHOWN = 200
"""Characters of a path."""
MOST_FILLED = 300_000
"""Characters of all texts in which something is put, with that: what it means there is looked at.
"""
A_FIELD = 15
"""A place takes as long as so many characters."""
DIGITS_OF_A_BIT = math.log10(2)
SHORT = 20_000
"""Characters of values, and of the keys above each; within a moment they are looked through."""


def leaves(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Each value that holds no other, and where it stands; an empty mapping or list is one."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list | tuple) and value:
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    else:
        yield path, value


def values(value: object) -> Iterator[object]:
    """Each value, also those that hold others, and this one."""
    yield value
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return
    for inner in value:
        yield from values(inner)


def entries(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Each key of each mapping, at any depth, as its path and value."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield (*path, key), inner
            yield from entries(inner, (*path, key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from entries(inner, (*path, index))


def texts(value: object) -> Iterator[tuple[Path, str]]:
    """Each text among the values, and where it stands."""
    for path, leaf in leaves(value):
        if isinstance(leaf, str):
            yield path, leaf


def require_room(
    filled: Iterable[tuple[Path, str]],
    field: re.Pattern[str],
    length_at: Callable[[Path], Callable[[re.Match[str]], int]],
) -> None:
    """Look how long some texts become, each at its path, once values of the length that is known
    there are put where *field* finds their places.

    :raises Rejected: if that is more than anybody would look through.
    """
    left = MOST_FILLED
    for path, text in filled:
        if not field.search(text):
            continue
        length = length_at(path)
        left -= len(text)
        for found in field.finditer(text):
            left -= A_FIELD + length(found)
            if left < 0:
                raise Rejected(
                    f"{shortened(dotted(path), MOST_SHOWN)}: with the values of template variables"
                    f" and macros, the texts up to here are more than {MOST_FILLED} characters",
                    hint="name a value less often, or keep large things in files of the code",
                )


def flat(key: str) -> str:
    r"""A key in one spelling of all that runners take; Go's take `\u017f` for an s."""
    return key.replace("_", "").replace("-", "").casefold()


def is_below(path: Iterable[object], keys: Collection[str]) -> bool:
    """Whether a path leads below one of some *keys*, in whatever spelling."""
    known = {*map(flat, keys)}
    return bool(known) and any(isinstance(key, str) and flat(key) in known for key in path)


def is_long(data: object) -> bool:
    """Whether plain data take so long to look through that nothing short should wait for it."""
    amount = 0
    for path, leaf in leaves(data):
        amount += sum(len(str(key)) for key in path) + written_length(leaf) + 1
        if amount > SHORT:
            return True
    return False


def written_length(leaf: object) -> int:
    """How long a value that holds no other is where it is written. A whole number is not written
    out to know it: that takes time with the square of its digits, and fails for very many.
    """
    if isinstance(leaf, str):
        return len(leaf)
    if isinstance(leaf, int):
        return int(leaf.bit_length() * DIGITS_OF_A_BIT) + 1
    return len(str(leaf))


def are_too_much(data: object, most: int) -> bool:
    """Whether plain data have more values than that, or more than *most* characters in them and in
    their keys, or more than anybody would write out in the paths to them.
    """
    characters = of_paths = 0
    for number, (own, above) in enumerate(_lengths(data), start=1):
        characters += own
        of_paths += above
        if number > MOST_VALUES or characters > most or of_paths > MOST_OF_PATHS:
            return True
    return False


def _lengths(value: object, key: str = "", above: int = 0) -> Iterator[tuple[int, int]]:
    """Of each value, the characters of itself with its key, and of its path; of one with a key that
    is too long, more than all may have.
    """
    path = above + len(key) + 1
    holds = isinstance(value, Mapping | list | tuple)
    own = len(key) + (0 if holds else written_length(value))
    yield own, path if len(key) <= LONGEST_KEY else MOST_OF_PATHS + 1
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _lengths(inner, str(name), path)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _lengths(inner, str(index), path)
