"""Ways through plain data: every leaf, or every text, with the path to it; and how much they may
be, as each value is looked at many times.
"""

from collections.abc import Iterator, Mapping

from launchkit.codec import Path

MOST_VALUES = 20_000
"""Of a launch with its job, and of a queue."""
MOST_CHARACTERS = 4_000_000
"""In them; no system takes as many in an environment."""


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


def are_too_much(layers: Mapping[str, object]) -> bool:
    """Whether some plain data have more values, or characters in them, than that."""
    characters = 0
    for number, (path, value) in enumerate(leaves(layers), start=1):
        characters += len(str(path[-1])) + (len(value) if isinstance(value, str) else 0)
        if number > MOST_VALUES or characters > MOST_CHARACTERS:
            return True
    return False
