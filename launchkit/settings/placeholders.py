"""Places in a configuration that nobody has filled in."""

import re
from collections.abc import Mapping

from launchkit.codec import Path
from launchkit.model import Json
from launchkit.settings.schema import AgentSettings

BLOCKS = ("environment", "registry", "builder")
BLOCK_KEYS = ("type", "platform", "destination", "uri")
"""Keys of blocks that want more than some text, whichever plugin they are for."""
FREE_TEXTS = frozenset({"backend", "cache_dir", "entity", "name", "state_dir"})
PLACEHOLDER = re.compile(r"<[^<>]+>|\w \| \w")


def placeholders(data: Json) -> list[Path]:
    """Where a place to be filled in still stands in a key that wants more than some text."""
    top = [(key,) for key in AgentSettings.model_fields if key not in FREE_TEXTS]
    nested = [(block, key) for block in BLOCKS for key in BLOCK_KEYS]
    return [path for path in (*top, *nested) if is_placeholder(value_at(data, path))]


def without(data: Json, paths: list[Path]) -> dict[str, object]:
    """*data* without the values at *paths*, but with each `type`, which must be there."""
    kept: dict[str, object] = {}
    for key, value in data.items():
        inner = [path[1:] for path in paths if path[0] == key and len(path) > 1]
        if (key,) not in paths:
            kept[key] = without(value, inner) if inner and isinstance(value, Mapping) else value
        elif key == "type":
            kept[key] = value
    return kept


def value_at(data: object, path: Path) -> object:
    """The value at *path*, or None."""
    for key in path:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data


def is_placeholder(value: object) -> bool:
    """Whether a text is a place to be filled in, such as `<region>` or `docker | kaniko`."""
    return isinstance(value, str) and PLACEHOLDER.search(value) is not None
