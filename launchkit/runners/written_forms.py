"""JSON Schema of all forms in which a queue's config may be written, made of a request's shape."""

import re
from collections.abc import Mapping
from typing import Any

from launchkit.runners.fitting import FILL_IN, OPEN, Shape, camel

_WRITTEN = {
    "integer": rf"{OPEN.pattern}|^-?[0-9]{{1,18}}$",
    "number": rf"{OPEN.pattern}|^-?[0-9]{{1,18}}(?:\.[0-9]{{1,18}})?$",
    "boolean": rf"{OPEN.pattern}|^(true|false)$",
}
"""How else than as itself a value may be written."""


def form(of: Shape) -> dict[str, Any]:
    """A shape as it may be written: with other spellings of keys, null, macros and template
    variables. What `fitted` takes is valid by it.
    """
    kind = of["type"]
    made = {**of, "type": [kind, "null"]}
    if "properties" in of:
        made |= _spellings(of["properties"])
        made.pop("required", None)  # it may be written in either way
    elif kind == "object":
        made["additionalProperties"] = form(of["additionalProperties"])
    elif kind == "array":
        made["items"] = form(of["items"])
    elif kind == "string":
        return _text_form(of)
    else:
        made = {"type": [kind, "string", "null"], "pattern": _WRITTEN[kind]}
        made |= {key: of[key] for key in ("minimum", "maximum", "description") if key in of}
    return made


def _spellings(properties: Mapping[str, Shape]) -> dict[str, Any]:
    """The keys of a mapping in each way of writing them."""
    forms = {key: form(one) for key, one in properties.items()}
    if not all(key == key.lower() for key in forms):
        return {"properties": forms, "patternProperties": {"^[a-z][a-z0-9_]*$": True}}
    return {"properties": forms | {camel(key): one for key, one in forms.items()}}


def _text_form(of: Shape) -> dict[str, Any]:
    made: dict[str, Any] = {"type": ["string", "number", "null"]}
    if "description" in of:
        made["description"] = of["description"]
    pattern = of.get("pattern")
    if "enum" in of:
        pattern = f"^(?:{'|'.join(map(re.escape, of['enum']))})$"
    if pattern:
        made["pattern"] = f"{OPEN.pattern}|^{re.escape(FILL_IN)}$|{pattern}"
    return made
