"""What a layer of a request has chosen: where the request is another one with it than without."""

from collections.abc import Iterator, Mapping

from launchkit.codec import Path
from launchkit.resolving.nested import leaves


def chosen(below: object, layer: object, path: Path = ()) -> Iterator[Path]:
    """Each place at which *layer*, laid on *below* as `deep_merge` does, decides: what it sets, and
    also what it takes away. A list of another length is a choice at its own place, too.

    What a layer repeats of a mapping in a list is no choice, since it could not leave it out. Other
    repeated values are: whose a text is says what macros and variables it may have.
    """
    if not isinstance(below, Mapping) or not isinstance(layer, Mapping):
        yield from _replaced(below, layer, path, in_item=False)
        return
    for key, value in layer.items():
        if key in below:
            yield from chosen(below[key], value, (*path, key))
        else:
            yield from _places(value, (*path, key))


def _replaced(below: object, over: object, path: Path, *, in_item: bool) -> Iterator[Path]:
    """The same for what does not merge."""
    lower, upper = _parts(below), _parts(over)
    is_item = isinstance(over, Mapping)
    if not lower or not upper or isinstance(below, Mapping) is not is_item:
        if not (in_item and _is_same(below, over)):
            yield from dict.fromkeys((path, *_places(below, path), *_places(over, path)))
        return
    if not is_item and len(lower) != len(upper):
        yield path
    for key in {**lower, **upper}:
        place = (*path, key)
        if key in lower and key in upper:
            yield from _replaced(lower[key], upper[key], place, in_item=in_item or is_item)
        else:
            yield from _places(lower.get(key, upper.get(key)), place)


def _parts(value: object) -> dict[str | int, object]:
    if isinstance(value, Mapping):
        return {**value}
    return {**dict(enumerate(value))} if isinstance(value, list | tuple) else {}


def _places(value: object, path: Path) -> Iterator[Path]:
    return (place for place, _ in leaves(value, path))


def _is_same(one: object, other: object) -> bool:
    """Whether they mean the same, whoever has written them."""
    return type(one) is type(other) and one == other and "${" not in str(one)
