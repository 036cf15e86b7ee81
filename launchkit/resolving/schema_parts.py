"""The parts of a job's input schema: what may be in one, and what its references lead to.

References of other forms, and keywords that follow references by themselves, take time that nobody
can count: each lookup goes through the whole schema.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from launchkit.codec import Path, dotted
from launchkit.plain_text import shortened

NAMED_AT_THE_ROOT = frozenset({"$id", "$schema"})
"""They name the schema and its draft, and mean nothing where no reference asks for them."""
MOST_TYPES = 7
"""There are no more; a list of many would be compared each with each."""
_DEFS = "name what it leads to in `$defs`, and refer to it as `#/$defs/NAME`"
_INSTEAD: Mapping[str, str] = {
    "unevaluatedProperties": "use `additionalProperties`",
    "unevaluatedItems": "use `items`",
    "dependencies": "use `dependentRequired` or `dependentSchemas`",
    "$dynamicRef": _DEFS,
    "$recursiveRef": _DEFS,
    "$anchor": _DEFS,
    "$dynamicAnchor": _DEFS,
    "$vocabulary": "leave it out",
}
"""What may be in no input schema, with what to write in its place."""
REFUSED = frozenset(_INSTEAD)
_ONE = frozenset(
    {"additionalProperties", "contains", "contentSchema", "else", "if", "items", "not"}
    | {"propertyNames", "then"}
)
_LISTED = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_DEFINED = ("$defs", "definitions")
_BY_NAME = frozenset({*_DEFINED, "dependentSchemas", "patternProperties", "properties"})


class Unusable(Exception):
    """A schema that could take any time, or has what may be in none."""


def parts(schema: object, path: Path = ()) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """A schema and those in it, with their paths, but not true and false; of what is none, none."""
    if not isinstance(schema, Mapping):
        return
    yield path, schema
    for keyword, value in schema.items():
        for place, inner in _schemas_of(keyword, value):
            yield from parts(inner, (*path, keyword, *place))


def _schemas_of(keyword: str, value: object) -> Iterator[tuple[Path, object]]:
    if keyword in _ONE:
        yield (), value
    elif keyword in _LISTED and isinstance(value, list):
        yield from (((index,), inner) for index, inner in enumerate(value))
    elif keyword in _BY_NAME and isinstance(value, Mapping):
        yield from (((name,), inner) for name, inner in value.items())


def check_part(path: Path, part: Mapping[str, Any]) -> None:
    """:raises Unusable: if it has what may be in no input schema, or only at its root."""
    for keyword in part:
        if path and keyword in NAMED_AT_THE_ROOT:
            raise _unusable(path, keyword, "leave it out: only the whole schema may have one")
        if keyword in REFUSED:
            raise _unusable(path, keyword, _INSTEAD[keyword])
    types = part.get("type")
    if isinstance(types, list) and len(types) > MOST_TYPES:
        raise _unusable(path, "type", f"name each type once; there are {MOST_TYPES}")


def target(schema: Mapping[str, Any], path: Path, ref: str) -> Any:
    """The part of a schema that a reference, which stands at *path*, leads to.

    :raises Unusable: if it is not of a form that may be in an input schema, or leads nowhere.
    """
    if ref == "#":
        return schema
    start, _, written = ref.rpartition("/")
    name = unquote(written)
    kind = start.removeprefix("#/")
    if start not in {f"#/{kind}" for kind in _DEFINED} or "/" in name:
        raise _unusable(path, f"$ref: {shortened(ref)}", _DEFS)
    defined = schema.get(kind)
    name = name.replace("~1", "/").replace("~0", "~")
    if not isinstance(defined, Mapping) or name not in defined:
        raise Unusable(f"it refers to what is not in it: {shortened(ref)}")
    return defined[name]


def _unusable(path: Path, keyword: str, instead: str) -> Unusable:
    where = shortened(dotted(path)) if path else "its root"
    return Unusable(f"`{keyword}` at {where} may be in no input schema: {instead}")
