"""How much a config may be: each of its values is looked at many times."""

from collections.abc import Mapping

from launchkit.resolving.nested import leaves

MOST_VALUES = 20_000
"""Of a launch with its job, and of a queue."""
MOST_CHARACTERS = 4_000_000
"""In them; no system takes as many in an environment."""


def are_too_much(layers: Mapping[str, object]) -> bool:
    """Whether some plain data have more values, or characters in them, than that."""
    characters = 0
    for number, (path, value) in enumerate(leaves(layers), start=1):
        characters += len(str(path[-1])) + (len(value) if isinstance(value, str) else 0)
        if number > MOST_VALUES or characters > MOST_CHARACTERS:
            return True
    return False
