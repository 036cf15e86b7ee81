"""Makes `create_training_job.json` of botocore's own model: `python recorded.py` writes it anew."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botocore.model import Shape

from ..models import model_of

OPERATION = "CreateTrainingJob"
OPEN_ENUMS = {"TrainingInstanceType"}
"""AWS adds to these so often that an older list would refuse what is there."""
SIZES = {"integer": ("minimum", "maximum"), "long": ("minimum", "maximum"),
         "string": ("minLength", "maxLength"), "list": ("minItems", "maxItems"),
         "map": ("minProperties", "maxProperties")}  # fmt: skip


def recorded() -> dict[str, Any]:
    """The request's shape as JSON Schema, without descriptions."""
    model = model_of("sagemaker")
    return schema_of(model.operation_model(OPERATION).input_shape)


def schema_of(shape: Shape) -> dict[str, Any]:
    """A shape of botocore's as JSON Schema."""
    made: dict[str, Any] = {}
    least, most = SIZES.get(shape.type_name, ("", ""))
    if least and shape.metadata.get("min"):
        made[least] = shape.metadata["min"]
    if most and "max" in shape.metadata:
        made[most] = shape.metadata["max"]
    return made | FORMS[shape.type_name](shape)


def structure_of(shape: Shape) -> dict[str, Any]:
    """A mapping with known keys."""
    members = {name: schema_of(one) for name, one in shape.members.items()}
    needed = {"required": list(shape.required_members)} if shape.required_members else {}
    return {"type": "object", "properties": members, "additionalProperties": False, **needed}


def map_of(shape: Shape) -> dict[str, Any]:
    """A mapping with any keys."""
    names, values = schema_of(shape.key), schema_of(shape.value)
    return {"type": "object", "propertyNames": names, "additionalProperties": values}


def list_of(shape: Shape) -> dict[str, Any]:
    """A list."""
    return {"type": "array", "items": schema_of(shape.member)}


def text_of(shape: Shape) -> dict[str, Any]:
    """A text, with its values or its pattern as far as Python knows it."""
    made: dict[str, Any] = {"type": "string"}
    if shape.enum and shape.name not in OPEN_ENUMS:
        made["enum"] = list(shape.enum)
    if shape.name in OPEN_ENUMS:
        made["pattern"] = r"^ml\.[a-z0-9][a-z0-9.-]*$"
    elif pattern := shape.metadata.get("pattern"):
        try:
            re.compile(pattern)
        except re.error:  # a few are Java's
            return made
        if pattern not in {".*", r"[\S\s]*", r"[\s\S]*"}:
            made["pattern"] = f"^(?:{pattern})$"
    return made


FORMS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "structure": structure_of,
    "map": map_of,
    "list": list_of,
    "string": text_of,
    "integer": lambda _: {"type": "integer"},
    "long": lambda _: {"type": "integer"},
    "float": lambda _: {"type": "number"},
    "double": lambda _: {"type": "number"},
    "boolean": lambda _: {"type": "boolean"},
}


def text() -> str:
    """The file's text."""
    return json.dumps(recorded(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    package = Path(__file__).parents[2] / "launchkit_aws" / "sagemaker"
    (package / "create_training_job.json").write_text(text())
