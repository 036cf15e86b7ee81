"""Foreign data as data of our own: of bounded size and depth, and only what JSON has."""

import math
from collections.abc import Mapping
from typing import Any

from launchkit.plain_text import shortened

MAX_DEPTH = 60
"""No object of a cluster is nested so deep."""
MAX_VALUES = 20_000
"""An object has at most 1.5 MiB in etcd, and real ones have a few hundred values."""
KEY = 100
"""Letters of a key that are shown."""


def copied(value: Any, where: str, problems: list[str], depth: int = 0) -> Any:
    """A copy of dicts and lists. What cannot be copied is told in *problems*, with its path."""
    if depth > MAX_DEPTH:
        problems.append(f"{where}: is nested too deep: {MAX_DEPTH} levels are allowed")
    elif isinstance(value, Mapping):
        return {
            key: copied(inner, below(where, key), problems, depth + 1)
            for key, inner in value.items()
            if _is_key(key, where, problems)
        }
    elif isinstance(value, list | tuple):
        return [copied(one, f"{where}[{i}]", problems, depth + 1) for i, one in enumerate(value)]
    elif isinstance(value, float) and not math.isfinite(value):
        problems.append(f"{where}: {value} is no number that JSON has")
    elif not (value is None or isinstance(value, str | int | float)):
        problems.append(
            f"{where}: must be text, not {shortened(repr(value), 100)}; put it into quotes"
        )
    return value


def values_in(value: Any, most: int) -> int:
    """How many values there are, lists and mappings among them; if more than *most*, some number
    above it.
    """
    waiting, number = [value], 0
    while waiting and number <= most:
        one = waiting.pop()
        number += 1
        waiting += one.values() if isinstance(one, Mapping) else ()
        waiting += one if isinstance(one, list | tuple) else ()
    return number


def below(where: str, key: str) -> str:
    """The path of a key."""
    return f"{where}.{shortened(key, KEY)}"


def _is_key(key: object, where: str, problems: list[str]) -> bool:
    if not isinstance(key, str):
        problems.append(
            f"{where}: the key {shortened(repr(key), 100)} must be text; put it into quotes"
        )
    return isinstance(key, str)
