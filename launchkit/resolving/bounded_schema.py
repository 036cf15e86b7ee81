"""JSON Schemas of others: their patterns take linear time, and their references come to an end."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from launchkit.model import Json
from launchkit.resolving.linear_regex import MOST_CHARACTERS, LinearRegex, linear_regex
from launchkit.resolving.nested import entries

MOST_REFERENCES = 1_000
"""That are followed for one config."""
MOST_UNIQUE = 1_000
"""Items of a list that are compared with each other."""
UNEVALUATED = frozenset({"patternProperties", "unevaluatedProperties"})
"""The second compares with the patterns of the first by itself."""
_KEYWORDS = Draft202012Validator.VALIDATORS


class Unbounded(Exception):
    """A schema that could take any time."""


def bounded_validator(schema: Json) -> Any:
    """A class of validators for one config each. They raise `Unbounded` in the middle.

    :raises Unbounded: if *schema* has keywords that cannot be bounded together.
    """
    keywords = {str(path[-1]) for path, _ in entries(schema)}
    if keywords >= UNEVALUATED:
        raise Unbounded(f"it has both {' and '.join(sorted(UNEVALUATED))}")
    for path, value in entries(schema):
        if path[-1] == "pattern" and isinstance(value, str):
            _regex(value)
    left = [MOST_REFERENCES]

    def follow(keyword: str) -> Any:
        def followed(*args: Any) -> Iterator[ValidationError]:
            left[0] -= 1
            if left[0] < 0:
                raise Unbounded(f"it has references to more than {MOST_REFERENCES} schemas")
            try:
                yield from _KEYWORDS[keyword](*args) or ()
            except RecursionError as exc:
                raise Unbounded("its references go round in a circle") from exc

        return followed

    return extend(  # type: ignore[no-untyped-call] # it has no annotations
        _validator(), {word: follow(word) for word in ("$ref", "$dynamicRef")}
    )


@cache
def _validator() -> Any:
    return extend(  # type: ignore[no-untyped-call] # as above
        Draft202012Validator,
        {
            "pattern": _pattern,
            "patternProperties": _pattern_properties,
            "additionalProperties": _additional_properties,
            "uniqueItems": _unique_items,
        },
    )


def _regex(source: str) -> LinearRegex:
    try:
        return linear_regex(source)
    except ValueError as exc:
        raise Unbounded(f"its pattern {source[:80]!r}: {exc}") from exc


def _found(source: str, text: str) -> bool:
    if len(text) > MOST_CHARACTERS:
        raise Unbounded(f"a text of more than {MOST_CHARACTERS} characters is to fit a pattern")
    return _regex(source).search(text)


def _pattern(_: Any, source: str, value: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and not _found(source, value):
        yield ValidationError(f"{value!r} does not match {source!r}")


def _pattern_properties(
    validator: Any, patterns: Mapping[str, Any], value: Any, _: Any
) -> Iterator[ValidationError]:
    for source, schema in patterns.items() if isinstance(value, dict) else ():
        for key, inner in value.items():
            if _found(source, key):
                yield from validator.descend(inner, schema, path=key, schema_path=source)


def _additional_properties(
    validator: Any, allowed: Any, value: Any, schema: Any
) -> Iterator[ValidationError]:
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for key, inner in value.items() if isinstance(value, dict) else ():
        if key in known or any(_found(source, key) for source in patterns):
            continue
        if isinstance(allowed, dict):
            yield from validator.descend(inner, allowed, path=key)
        elif not allowed:
            yield ValidationError(f"Additional properties are not allowed ({key!r} was unexpected)")


def _unique_items(
    validator: Any, wanted: Any, value: Any, schema: Any
) -> Iterator[ValidationError]:
    if wanted and isinstance(value, list) and len(value) > MOST_UNIQUE:
        raise Unbounded(f"more than {MOST_UNIQUE} items are to be compared with each other")
    yield from _KEYWORDS["uniqueItems"](validator, wanted, value, schema) or ()
