"""JSON Schema of dataclasses: of the types of their fields, with the docstrings under them."""

import ast
import dataclasses
import inspect
import textwrap
import typing
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import CoreSchema

from launchkit.codec import adapter


class _Lenient(GenerateJsonSchema):
    """What JSON Schema cannot say may be anything."""

    def handle_invalid_for_json_schema(
        self, schema: CoreSchema, error_info: str
    ) -> JsonSchemaValue:
        """Any value."""
        return {}

    def encode_default(self, dft: Any) -> Any:
        """The default; none is shown of what has no plain form."""
        try:
            return super().encode_default(dft)
        except Exception:  # noqa: BLE001 - pydantic raises whatever the value's class does
            return None


def json_schema(of: type) -> dict[str, Any]:
    """JSON Schema 2020-12 of what `decode` takes for the dataclass *of*.

    Descriptions are the docstrings under the fields, of this class and of those in its fields.
    """
    schema: dict[str, Any] = adapter(of).json_schema(schema_generator=_Lenient)
    for cls in dict.fromkeys(_dataclasses(of)):
        place = schema if cls is of else schema.get("$defs", {}).get(cls.__name__, {})
        properties = place.get("properties", {})
        for field in dataclasses.fields(cls):
            if not field.init:
                properties.pop(field.name, None)  # pydantic has those that have a default
        for name, text in field_docs(cls).items():
            if name in properties:
                properties[name]["description"] = text
    if "$defs" in schema:
        schema["$defs"] = _needed(schema.pop("$defs"), schema)
    return schema


def _needed(definitions: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Those of the definitions that a schema refers to."""
    found: set[str] = set()
    places: list[Any] = [schema]
    while places:
        new = {name for name in _references(places.pop()) if name in definitions} - found
        found |= new
        places += [definitions[name] for name in new]
    return {name: about for name, about in definitions.items() if name in found}


def _references(schema: Any) -> Iterator[str]:
    """The names of the definitions that stand in a part of a schema."""
    if isinstance(schema, dict):
        if isinstance(place := schema.get("$ref"), str):
            yield place.rpartition("/")[2]
        for inner in schema.values():
            yield from _references(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _references(inner)


def field_docs(of: type) -> dict[str, str]:
    """The docstring under each field of a class and of its bases, on one line each."""
    found: dict[str, str] = {}
    for cls in reversed(of.__mro__):
        if dataclasses.is_dataclass(cls) or issubclass(cls, BaseModel):
            found |= _own_docs(cls)
    return found


def _own_docs(cls: type) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):  # made at run time, or without its source
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found: dict[str, str] = {}
    for field, doc in pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(doc, ast.Expr)
            and isinstance(doc.value, ast.Constant)
            and isinstance(doc.value.value, str)
        ):
            found[field.target.id] = " ".join(doc.value.value.split())
    return found


def _dataclasses(of: object) -> Iterator[type[Any]]:
    """The dataclass *of*, and those in the types of its fields."""
    if isinstance(of, type) and dataclasses.is_dataclass(of):
        yield of
        for field in dataclasses.fields(of):
            if field.init:
                yield from _dataclasses(field.type)
    for argument in typing.get_args(of):
        yield from _dataclasses(argument)
