"""A Docker queue's config for people: its JSON Schema, and one to begin with."""

from typing import Any

from launchkit_docker.options.table import OPTIONS, TABLE, Option

SCALAR = {"type": ["string", "number", "null"]}
FLAG = {"enum": [True, False, "true", "false", None]}

STARTER = """\
# The config of a queue of kind local-container: options of `docker run`, by their long or short
# names. Remove the # before what you need.

# Variables: NAME=value; NAME alone takes the agent's own.
# env:
#   - OMP_NUM_THREADS=4

# GPUs, one run at a time: all, a number, or "device=0".
# gpus: 1

# cpus: 4
# memory: 16g
# shm-size: 1g

# Directories of the agent's machine.
# volume:
#   - /srv/data:/data:ro
"""


def schema() -> dict[str, Any]:
    """Each option by its long name; a pattern lets other ways to write them pass."""
    return {
        "type": "object",
        "properties": {option.name: _value(option) for option in TABLE},
        "patternProperties": {_spellings(): {}},
        "additionalProperties": False,
    }


def _value(option: Option) -> dict[str, Any]:
    if option.name == "env":
        return {"type": ["string", "array", "object", "null"]}
    if option.shape == "flag":
        return FLAG
    if option.repeats:
        return {"anyOf": [SCALAR, {"type": "array", "items": SCALAR}]}
    return SCALAR


def _spellings() -> str:
    """Dashes may stand before a name, and underscores within it."""
    names = sorted(name.replace("-", "[-_]") for name in OPTIONS)
    return f"^-*({'|'.join(names)})$"
