"""What people write, held against the shape of a request: each fault is named with its path, and
macros and template variables may stand in the place of values that are filled in later.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from launchkit.codec import unknown_key
from launchkit.plain_text import shortened

Shape: TypeAlias = Mapping[str, Any]
"""A JSON Schema, as far as it is used here: type, properties, additionalProperties, propertyNames,
items, required, enum, pattern, and bounds of numbers and sizes.
"""
FILL_IN = "<REQUIRED>"
"""What stands in a starter config where there is no good default."""
OPEN = re.compile(r"\$\{|\{\{")
"""Where a macro or a template variable begins."""
MAX_DEPTH = 30
MAX_PROBLEMS = 20
SHOWN = 100
"""Letters of a key or value that are shown."""
LONGEST_MATCHED = 4096
"""Letters of a text that are held against a pattern."""
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (Mapping,),
    "array": (list, tuple),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}
KIND_WORDS: Mapping[str, str] = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
}
_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?", re.ASCII)
_SNAKE = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


def is_open(value: object) -> bool:
    """Whether a value has a macro or a template variable, which is filled in later."""
    return isinstance(value, str) and OPEN.search(value) is not None


class Problems:
    """What is wrong, a line each, up to a bound."""

    def __init__(self, *, is_filled: bool = False) -> None:
        self.lines: list[str] = []
        self.is_filled = is_filled
        """Whether macros and template variables are filled, so that nothing is open any more."""

    def lets(self, value: object) -> bool:
        """Whether a value may be filled in later."""
        return not self.is_filled and is_open(value)

    @property
    def full(self) -> bool:
        """Whether no more is looked for."""
        return len(self.lines) > MAX_PROBLEMS

    def tell(self, where: str, what: str) -> None:
        """Something is wrong at a path."""
        if len(self.lines) == MAX_PROBLEMS:
            what = "there may be more that is wrong"
        if not self.full:
            self.lines.append(f"{where}: {what}")


def fitted(value: Any, of: Shape, where: str, problems: Problems, depth: int = 0) -> Any:
    """A value with its keys as *of* spells them and its fields in the types that it wants: macros
    and template variables give texts for numbers. What is null is left out.
    """
    kind = of["type"]
    written, value = value, _scalar(value, kind)
    if problems.full:
        return value
    if depth > MAX_DEPTH:
        problems.tell(where, f"is nested too deep: {MAX_DEPTH} levels are allowed")
    elif value == FILL_IN:
        problems.tell(where, f"is still to be filled in: it is {FILL_IN}")
    elif not is_a(value, kind):
        if not problems.lets(value) or kind in {"object", "array"}:
            problems.tell(where, f"must be {KIND_WORDS[kind]}, not {shown(value)}")
    elif "properties" in of:
        return _structure(value, of, where, problems, depth)
    elif isinstance(value, Mapping):
        return _mapping(value, of, where, problems, depth)
    elif isinstance(value, list | tuple):
        _sized(len(value), "Items", "entries", of, where, problems)
        shape = of["items"]
        return [
            fitted(one, shape, f"{where}[{i}]", problems, depth + 1) for i, one in enumerate(value)
        ]
    else:
        _bounded(value, of, where, problems, written=written)
    return value


def below(where: str, key: str) -> str:
    """The path of a key."""
    return f"{where}.{shortened(key, SHOWN)}"


def shown(value: object) -> str:
    """A value, as far as it may be shown."""
    if isinstance(value, Mapping | list | tuple):
        return "a mapping" if isinstance(value, Mapping) else "a list"
    return "nothing" if value is None else shortened(repr(value), SHOWN)


def member_named(key: str, known: Mapping[str, Any]) -> str | None:
    """The field that a key names: as it is spelt, in snake_case instead of CamelCase, or in
    camelCase instead of snake_case.
    """
    if key in known:
        return key
    flat = key.replace("_", "")
    if _SNAKE.fullmatch(key):
        return next((name for name in known if name.lower() == flat), None)
    return next((name for name in known if camel(name) == key), None)


def camel(key: str) -> str:
    """A key of snake_case in camelCase."""
    first, *words = key.split("_")
    return first + "".join(word.capitalize() for word in words)


def _structure(
    value: Mapping[Any, Any], of: Shape, where: str, problems: Problems, depth: int
) -> dict[str, Any]:
    known: Mapping[str, Shape] = of["properties"]
    made: dict[str, Any] = {}
    for key, inner in value.items():
        if problems.full:
            break
        if not isinstance(key, str):
            problems.tell(
                where, f"the key {shortened(repr(key), 100)} must be text; put it into quotes"
            )
            continue
        name = member_named(key, known)
        if name is None:
            line = unknown_key(below(where, key), shortened(key, SHOWN), known)
            problems.tell(*_halves(line))
        elif inner is not None:
            found = fitted(inner, known[name], below(where, key), problems, depth + 1)
            _put(made, name, found, below(where, key), problems)
    for name in of.get("required", ()):
        if name not in made and value:
            problems.tell(below(where, name), "is missing")
    return made


def _halves(line: str) -> tuple[str, str]:
    where, _, what = line.partition(": ")
    return where, what


def _put(made: dict[str, Any], name: str, found: Any, where: str, problems: Problems) -> None:
    """Two ways of writing one key are one; they may each hold a part of a mapping."""
    if name not in made or made[name] == found:
        made[name] = found
    elif isinstance(made[name], dict) and isinstance(found, dict):
        for key, inner in found.items():
            _put(made[name], key, inner, below(where, key), problems)
    else:
        problems.tell(where, f"is given twice; {name} is the same key")


def _mapping(
    value: Mapping[Any, Any], of: Shape, where: str, problems: Problems, depth: int
) -> dict[str, Any]:
    _sized(len(value), "Properties", "entries", of, where, problems)
    made: dict[str, Any] = {}
    for key, inner in value.items():
        if not isinstance(key, str):
            problems.tell(
                where, f"the key {shortened(repr(key), 100)} must be text; put it into quotes"
            )
        elif inner is not None:
            name = below(where, key)
            _bounded(key, of["propertyNames"], name, problems, written=key, what="the name ")
            shape = of["additionalProperties"]
            made[key] = fitted(inner, shape, below(where, key), problems, depth + 1)
    return made


def _bounded(
    value: Any, of: Shape, where: str, problems: Problems, *, written: object, what: str = ""
) -> None:
    """Whether a text or number is within its bounds. A number is told as it is *written*: so a
    secret that it was is known.
    """
    if isinstance(value, str):
        _text(value, of, where, problems, what)
    elif isinstance(value, float) and not math.isfinite(value):
        problems.tell(where, f"{value} is no number that JSON has")
    elif not isinstance(value, bool):
        for key, outside in (("minimum", value < of.get("minimum", value)),
                             ("maximum", value > of.get("maximum", value))):  # fmt: skip
            if outside:
                problems.tell(where, f"{written} is beyond the {key}, {of[key]}")


def _text(value: str, of: Shape, where: str, problems: Problems, what: str) -> None:
    if problems.lets(value):
        return
    _sized(len(value), "Length", "letters", of, where, problems)
    if "enum" in of and value not in of["enum"]:
        words: Sequence[str] = of["enum"]
        few = ", ".join(words[:12]) + (", …" if len(words) > 12 else "")
        problems.tell(where, f"{what}{shown(value)} is none of {few}")
    pattern = of.get("pattern")
    if pattern and not re.fullmatch(pattern, value[:LONGEST_MATCHED]):
        problems.tell(where, f"{what}{shown(value)} does not look as it has to: {pattern}")


def _sized(size: int, word: str, what: str, of: Shape, where: str, problems: Problems) -> None:
    if size > of.get(f"max{word}", size):
        problems.tell(where, f"has {size} {what}, and {of[f'max{word}']} are the most")
    if size < of.get(f"min{word}", size):
        problems.tell(where, f"has {size} {what}, and {of[f'min{word}']} are the fewest")


def _scalar(value: Any, kind: str) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool) and kind == "string":
        return str(value)
    if isinstance(value, str):
        if kind == "integer" and _INTEGER.fullmatch(value):
            return int(value)
        if kind == "number" and _NUMBER.fullmatch(value):
            return float(value)
        if kind == "boolean" and value in {"true", "false"}:
            return value == "true"
    return value


def is_a(value: object, kind: str) -> bool:
    """Whether a value is of a kind that JSON Schema names; what is true or false is no number."""
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])
