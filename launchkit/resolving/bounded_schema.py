"""JSON Schemas of others: their patterns take linear time, and their references come to an end."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import attrs
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from launchkit.model import Json
from launchkit.plain_text import shortened
from launchkit.resolving.linear_regex import MOST_CHARACTERS, LinearRegex, linear_regex
from launchkit.resolving.nested import entries, leaves

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
"""A part of a schema that is looked at counts so many."""
SEARCH = 20
"""So many steps of an expression take as long as one item."""
MESSAGE = 100
"""So many characters of an error take as long as one item: most say all that does not fit."""
UNEVALUATED = frozenset({"patternProperties", "unevaluatedProperties"})
"""The second compares with the patterns of the first by itself."""
CIRCLE = "its references go round in a circle"
_KEYWORDS = Draft202012Validator.VALIDATORS


class Unbounded(Exception):
    """A schema that could take any time."""


class _Work:
    """What may still be done for one config."""

    def __init__(self) -> None:
        self._left = MOST_WORK
        self._depth = 0

    @contextmanager
    def within(self) -> Iterator[None]:
        """Look at a keyword. :raises Unbounded: if it is within too many others."""
        self._depth += 1
        try:
            if self._depth > MOST_DEPTH:
                raise Unbounded(CIRCLE)
            yield
        except RecursionError as exc:
            raise Unbounded(CIRCLE) from exc
        finally:
            self._depth -= 1

    def spend(self, much: int) -> None:
        """:raises Unbounded: if it is too much."""
        self._left -= much
        if self._left < 0:
            raise Unbounded("it takes too long to compare the config with it")

    def found(self, source: str, text: str) -> bool:
        """Whether an expression is found in a text."""
        if len(text) > MOST_CHARACTERS:
            raise Unbounded(f"a text of more than {MOST_CHARACTERS} characters is to fit a pattern")
        regex = _regex(source)
        self.spend(1 + regex.size * len(text) // SEARCH)
        try:
            return regex.search(text)
        except ValueError as exc:
            raise Unbounded(f"its pattern {shortened(source, 80)!r}: {exc}") from exc


def bounded_validator(schema: Json) -> Any:
    """A class of validators for one config each. They raise `Unbounded` in the middle.

    :raises Unbounded: if *schema* is too large, or has keywords that cannot be bounded together.
    """
    keywords: set[str] = set()
    steps = 0
    for number, (path, value) in enumerate(entries(schema)):
        keywords.add(str(path[-1]))
        if path[-1] == "pattern" and isinstance(value, str):
            steps += _regex(value).size
            if steps > MOST_STEPS:
                raise Unbounded(f"its patterns have more than {MOST_STEPS} steps together")
        _require_few(number)
    for number, _ in enumerate(leaves(schema)):
        _require_few(number)
    if keywords >= UNEVALUATED:
        raise Unbounded(f"it has both {' and '.join(sorted(UNEVALUATED))}")
    work = _Work()
    checks = {**_KEYWORDS, **{word: partial(check, work) for word, check in _OWN.items()}}
    made: Any = extend(  # type: ignore[no-untyped-call] # it has no annotations
        Draft202012Validator, {word: partial(_counted, work, checks[word]) for word in checks}
    )

    def evolve(self: Any, **changes: Any) -> Any:
        """One for a part of the schema, which may name another draft: that would count nothing.
        Some keywords ask for one with each reference that they follow by themselves.
        """
        work.spend(PART)
        return attrs.evolve(self, **changes)

    made.evolve = evolve
    return made


def _require_few(number: int) -> None:
    if number >= MOST_VALUES:
        raise Unbounded(f"it has more than {MOST_VALUES} values")


def _counted(
    work: _Work, check: Any, validator: Any, keyword: Any, value: Any, schema: Any
) -> Iterator[ValidationError]:
    work.spend(KEYWORD + _items(keyword) + _items(value))
    try:
        with work.within():
            for error in check(validator, keyword, value, schema) or ():
                work.spend(len(error.message) // MESSAGE)
                error.message = shortened(error.message)
                yield error
    except ArithmeticError as exc:
        raise Unbounded(f"a number cannot be compared: {exc}") from exc


def _items(value: Any) -> int:
    return len(value) if isinstance(value, list | dict) else 1


def _regex(source: str) -> LinearRegex:
    try:
        return linear_regex(source)
    except ValueError as exc:
        raise Unbounded(f"its pattern {shortened(source, 80)!r}: {exc}") from exc


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
        work.spend(len(value) ** 2)
    yield from _KEYWORDS["uniqueItems"](validator, wanted, value, schema) or ()


_OWN: Mapping[str, Any] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
}
