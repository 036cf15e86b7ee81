"""Ways through plain data: every leaf, or every text, with the path to it."""

from collections.abc import Iterator, Mapping

from launchkit.codec import Path


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
