"""Where a secret would be readable in an object of the cluster. It is looked for before anything is
made of the texts of a config, since what is made of a secret is not known to be one.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from launchkit.model import Secret
from launchkit_kubernetes.manifest.copying import below

SHORTEST_SECRET = 4
"""Characters; what is shorter is no more than a number."""
READABLE = "a secret would be readable in the object"
HINT = "secrets can stand as the `value` of a container's variable alone"


def clear_secrets(value: Any, where: str, *, in_variable: bool = False) -> Iterator[str]:
    """The path of each secret, but for values of variables, where nothing else is made of them
    before it is known whether a container has them; and for short numbers.
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not (in_variable and key == "value" and isinstance(inner, Secret)):
                yield from _below(inner, below(where, key), key)
    elif isinstance(value, Secret) and not is_short_number(value):
        yield where


def _below(value: Any, where: str, key: str) -> Iterator[str]:
    if not isinstance(value, list | tuple):
        yield from clear_secrets(value, where)
        return
    for index, one in enumerate(value):
        if isinstance(one, list | tuple):
            yield from _below(one, f"{where}[{index}]", "")
        else:
            yield from clear_secrets(one, f"{where}[{index}]", in_variable=key == "env")


def is_short_number(secret: Secret) -> bool:
    """Whether it is told with other numbers."""
    return len(secret) < SHORTEST_SECRET and secret.isdigit()


def any_secret(value: Any, where: str) -> str | None:
    """The path of a secret in an object that is made, if there is one in it."""
    way = _way_to_secret(value)
    return None if way is None else f"{where}{way}"


def _way_to_secret(value: Any) -> str | None:
    """Its path from here: only of what has one in it is a path made."""
    if isinstance(value, Secret):
        return ""
    if isinstance(value, Mapping):
        for key, one in value.items():
            if (way := _way_to_secret(one)) is not None:
                return below("", key) + way
    elif isinstance(value, list | tuple):
        for index, one in enumerate(value):
            if (way := _way_to_secret(one)) is not None:
                return f"[{index}]{way}"
    return None
