"""What the steps of JSON patches put where (RFC 6902)."""

from collections.abc import Mapping
from typing import Any

from launchkit.written import pointed

ANY = {"": ""}
"""What a step puts that says none, such as one that copies or removes."""


def patched_keys(step: Mapping[str, Any]) -> list[str]:
    """The keys, and numbers of lists, that lead to what a step changes; none: it is no step."""
    path = step.get("path")
    is_step = isinstance(path, str) and "/" in path and {"op", "value"} & {*step}
    return pointed(str(path))[1:] if is_step else []


def patched(step: Mapping[str, Any], keys: list[str]) -> dict[str, Any]:
    """What it puts there, below the last of the *keys*, which is that of the list for an item."""
    value = step.get("value", ANY)
    if len(keys) > 1 and (keys[-1] == "-" or keys[-1].isdecimal()):
        return {keys[-2]: [value]}
    return {keys[-1]: value}
