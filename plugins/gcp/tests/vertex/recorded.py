"""Makes `custom_job.json` of the proto of Vertex AI's own library: `python recorded.py` writes it
anew.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from google.cloud.aiplatform_v1 import types
from google.protobuf.descriptor import Descriptor, FieldDescriptor

WHOLE = {"google.protobuf.Duration"}
"""Messages that are written as one value."""
SCALARS: Mapping[int, str] = {
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BOOL: "boolean",
    FieldDescriptor.TYPE_INT32: "integer",
    FieldDescriptor.TYPE_INT64: "integer",
    FieldDescriptor.TYPE_FLOAT: "number",
    FieldDescriptor.TYPE_DOUBLE: "number",
}
INT32 = {"minimum": -(1 << 31), "maximum": (1 << 31) - 1}


def recorded() -> dict[str, Any]:
    """The shape of a CustomJobSpec as JSON Schema, without descriptions."""
    return message(types.CustomJobSpec.pb(types.CustomJobSpec()).DESCRIPTOR)


def message(of: Descriptor) -> dict[str, Any]:
    """A mapping with known keys."""
    members = {one.name: field(one) for one in of.fields}
    return {"type": "object", "properties": members, "additionalProperties": False}


def field(of: FieldDescriptor) -> dict[str, Any]:
    """One field, or a list of them."""
    made = value(of)
    return {"type": "array", "items": made} if of.is_repeated else made


def value(of: FieldDescriptor) -> dict[str, Any]:
    """What one field holds."""
    if of.enum_type:
        return {"type": "string", "enum": [one.name for one in of.enum_type.values]}
    if of.message_type:
        if of.message_type.full_name in WHOLE:
            return {"type": "integer", "minimum": 0}
        return message(of.message_type)
    bounds = INT32 if of.type == FieldDescriptor.TYPE_INT32 else {}
    return {"type": SCALARS[of.type], **bounds}


def text() -> str:
    """The file's text."""
    return json.dumps(recorded(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    package = Path(__file__).parents[2] / "launchkit_gcp" / "vertex"
    (package / "custom_job.json").write_text(text())
