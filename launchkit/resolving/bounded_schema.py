"""JSON Schemas of others: their patterns take linear time, and their references come to an end."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import create
from referencing import Registry

from launchkit.model import Json
from launchkit.plain_text import shortened
from launchkit.resolving.linear_regex import MOST_CHARACTERS, LinearRegex
from launchkit.resolving.nested import entries, leaves, values
from launchkit.resolving.schema_parts import (
    NAMED_AT_THE_ROOT,
    REFUSED,
    Unusable,
    check_part,
    parts,
    target,
)

MOST_VALUES = 1_500
"""Of a schema: each takes its time when the schema itself is looked at."""
MOST_STEPS = 20_000
"""Of all expressions of a schema."""
MOST_WORK = 50_000
"""What may be done for one config: a keyword that is looked at counts `KEYWORD`, and each item that
it has or looks at counts one.
"""
MOST_DEPTH = 400
"""Keywords within each other, as they are looked at: some for each level of a config."""
KEYWORD = 10
PART = 5
"""A part of a schema that is looked at counts so many, and one for each of its keywords; an error
counts so many wherever it is told.
"""
SEARCH = 20
"""So many steps of an expression take as long as one item."""
TEXT = 100
"""So many characters of a text that is compared, or of an error, take as long as one item: most
errors say all that does not fit.
"""
NOTHING: Mapping[str, Any] = {"not": True}
"""As false: which would say all that does not fit without being counted as a keyword."""
CIRCLE = "its references go round in a circle"
_KEYWORDS = {
    word: check for word, check in Draft202012Validator.VALIDATORS.items() if word not in REFUSED
}


class _Work:
    """What may still be done for one config, with the expressions and references of its schema."""

    def __init__(self, regexes: Mapping[str, LinearRegex], targets: Mapping[str, Any]) -> None:
        self._regexes = regexes
        self.targets = targets
        self._left = MOST_WORK
        self._depth = 0

    @contextmanager
    def within(self) -> Iterator[None]:
        """Look at a keyword. :raises Unusable: if it is within too many others."""
        self._depth += 1
        try:
            if self._depth > MOST_DEPTH:
                raise Unusable(CIRCLE)
            yield
        except RecursionError as exc:
            raise Unusable(CIRCLE) from exc
        finally:
            self._depth -= 1

    def spend(self, much: int) -> None:
        """:raises Unusable: if it is too much."""
        self._left -= much
        if self._left < 0:
            raise Unusable("it takes too long to compare the config with it")

    def found(self, source: str, text: str) -> bool:
        """Whether an expression is found in a text."""
        if len(text) > MOST_CHARACTERS:
            raise Unusable(f"a text of more than {MOST_CHARACTERS} characters is to fit a pattern")
        regex = self._regexes[source]
        self.spend(1 + regex.size * len(text) // SEARCH)
        try:
            return regex.search(text)
        except ValueError as exc:
            raise Unusable(f"its pattern {shortened(source, 80)!r}: {exc}") from exc


def bounded_validator(schema: Json) -> Any:
    """A validator for one config. It raises `Unusable` in the middle.

    :raises Unusable: if *schema* is too large, or has what may be in no input schema.
    """
    _require_few(schema)
    whole = {word: value for word, value in schema.items() if word not in NAMED_AT_THE_ROOT}
    work = _work_for(whole)
    checks = {**_KEYWORDS, **{word: partial(check, work) for word, check in _OWN.items()}}
    made: Any = create(
        Draft202012Validator.META_SCHEMA,
        {word: partial(_counted, work, check) for word, check in checks.items()},
        type_checker=Draft202012Validator.TYPE_CHECKER,
    )
    evolve, descend = made.evolve, made.descend

    def counted_evolve(self: Any, **changes: Any) -> Any:
        work.spend(PART + _items(changes["schema"]))
        return evolve(self, **changes | {"schema": _part(changes["schema"])})

    def descend_counted(self: Any, instance: Any, schema: Any, **where: Any) -> Any:
        return descend(self, instance, _part(schema), **where)

    made.evolve, made.descend = counted_evolve, descend_counted
    return made(whole, registry=Registry())


def _require_few(schema: Json) -> None:
    for found in (entries(schema), leaves(schema)):
        if any(number >= MOST_VALUES for number, _ in enumerate(found)):
            raise Unusable(f"it has more than {MOST_VALUES} values")


def _work_for(schema: Json) -> _Work:
    regexes: dict[str, LinearRegex] = {}
    targets: dict[str, Any] = {}
    steps = 0
    for path, part in parts(schema):
        check_part(path, part)
        for source in _expressions(part):
            regexes[source] = _regex(source)
            steps += regexes[source].size
            if steps > MOST_STEPS:
                raise Unusable(f"its patterns have more than {MOST_STEPS} steps together")
        if isinstance(ref := part.get("$ref"), str):
            targets[ref] = target(schema, path, ref)
    return _Work(regexes, targets)


def _expressions(part: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(pattern := part.get("pattern"), str):
        yield pattern
    if isinstance(by_pattern := part.get("patternProperties"), Mapping):
        yield from by_pattern


def _part(schema: Any) -> Any:
    return NOTHING if schema is False else schema


def _counted(
    work: _Work, check: Any, validator: Any, keyword: Any, value: Any, schema: Any
) -> Iterator[ValidationError]:
    work.spend(KEYWORD + _items(keyword) + _items(value))
    try:
        with work.within():
            for error in check(validator, keyword, value, schema) or ():
                work.spend(PART + len(error.message) // TEXT)
                error.message = shortened(error.message)
                yield error
    except ArithmeticError as exc:
        raise Unusable(f"a number cannot be compared: {exc}") from exc


def _items(value: Any) -> int:
    return len(value) if isinstance(value, list | dict) else 1


def _size(value: Any) -> int:
    """Of all that is within it, with its texts."""
    return sum(1 + (len(one) // TEXT if isinstance(one, str) else 0) for one in values(value))


def _regex(source: str) -> LinearRegex:
    try:
        return LinearRegex(source)
    except ValueError as exc:
        raise Unusable(f"its pattern {shortened(source, 80)!r}: {exc}") from exc


def _ref(work: _Work, validator: Any, ref: str, value: Any, _: Any) -> Iterator[ValidationError]:
    yield from validator.descend(value, work.targets[ref])


def _pattern(work: _Work, _: Any, source: str, value: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and not work.found(source, value):
        yield ValidationError(f"{value!r} does not match {source!r}")


def _pattern_properties(
    work: _Work, validator: Any, patterns: Mapping[str, Any], value: Any, _: Any
) -> Iterator[ValidationError]:
    for source, schema in patterns.items() if isinstance(value, dict) else ():
        for key, inner in value.items():
            if work.found(source, key):
                yield from validator.descend(inner, schema, path=key, schema_path=source)


def _additional_properties(
    work: _Work, validator: Any, allowed: Any, value: Any, schema: Any
) -> Iterator[ValidationError]:
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for key, inner in value.items() if isinstance(value, dict) else ():
        if key in known or any(work.found(source, key) for source in patterns):
            continue
        if isinstance(allowed, dict):
            yield from validator.descend(inner, allowed, path=key)
        elif not allowed:
            yield ValidationError(f"Additional properties are not allowed ({key!r} was unexpected)")


def _unique_items(
    work: _Work, validator: Any, wanted: Any, value: Any, schema: Any
) -> Iterator[ValidationError]:
    """Texts or whole numbers alone are sorted; of others each is compared with each."""
    if wanted and isinstance(value, list) and {*map(type, value)} not in ({str}, {int}):
        work.spend(len(value) * _size(value))
    yield from _KEYWORDS["uniqueItems"](validator, wanted, value, schema) or ()


def _whole(
    check: Any, work: _Work, validator: Any, keyword: Any, value: Any, schema: Any
) -> Iterator[ValidationError]:
    """A keyword that looks at all that is within its own value."""
    work.spend(_size(keyword))
    yield from check(validator, keyword, value, schema) or ()


_OWN: Mapping[str, Any] = {
    **{word: partial(_whole, _KEYWORDS[word]) for word in ("const", "dependentRequired", "enum")},
    "$ref": _ref,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
}
