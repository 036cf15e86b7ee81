"""What AWS's own models say of a request."""

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape


@cache
def model_of(service: str) -> ServiceModel:
    """Botocore's model of a service, which takes a while to read."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def faults(shape: Shape, value: Any, path: str = "$") -> Iterator[str]:
    """What AWS refuses and botocore lets pass: patterns, enums, lengths and unknown members."""
    longest = shape.metadata.get("max")
    if isinstance(value, str | list | dict) and longest is not None and len(value) > longest:
        yield f"{path}: is longer than {longest}"
    if shape.type_name == "string":
        yield from text_faults(shape, value, path)
    elif shape.type_name == "structure":
        yield from (f"{path}.{key}: unknown member" for key in value if key not in shape.members)
        for key in value.keys() & shape.members.keys():
            yield from faults(shape.members[key], value[key], f"{path}.{key}")
    elif shape.type_name == "list":
        for i, one in enumerate(value):
            yield from faults(shape.member, one, f"{path}[{i}]")
    elif shape.type_name == "map":
        for key, one in value.items():
            yield from faults(shape.key, key, path)
            yield from faults(shape.value, one, f"{path}.{key}")


def text_faults(shape: Shape, value: str, path: str) -> Iterator[str]:
    """What is wrong with a text."""
    with suppress(re.error):  # a few patterns are Java's
        pattern = shape.metadata.get("pattern")
        if pattern and not re.fullmatch(pattern, value):
            yield f"{path}: {value!r} does not match {pattern}"
    if getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{path}: {value!r} is no member of the enum"
