"""Deep merge: how configurations are laid over each other."""

from collections.abc import Mapping

from launchkit.model import Json


def deep_merge(base: Json, over: Json) -> dict[str, object]:
    """*base* with *over* laid on it: mappings merge, everything else replaces, None too.

    Neither input is changed, and no mapping of an input is a part of the result.
    """
    merged = {key: _copied(value) for key, value in base.items()}
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = deep_merge(below, value)
        else:
            merged[key] = _copied(value)
    return merged


def _copied(value: object) -> object:
    if isinstance(value, Mapping):
        return deep_merge(value, {})
    if isinstance(value, list | tuple):
        return [_copied(item) for item in value]
    return value
