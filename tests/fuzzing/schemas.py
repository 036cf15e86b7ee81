"""Input schemas of all keywords within each other, and configs that they take long to look at."""

import random
from typing import Any

from .altered import chance_of

DEPTH = 3
NAMES = ("a", "b", "c", "long" * 10)
MANY = (1, 3, 40, 300)
LONG = 20_000


def schema_and_config(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The *text* decides what they are, and may stand in them."""
    chance = chance_of(text)
    defs = {name: _schema(chance, DEPTH - 1, text) for name in NAMES}
    again = [{"$ref": f"#/$defs/{chance.choice(NAMES)}"}] * 40
    at_x = {chance.choice(("allOf", "anyOf", "oneOf")): again}
    whole: dict[str, Any] = {"$defs": defs, "properties": {"x": at_x}}
    whole["properties"]["y"] = {"items": _schema(chance, DEPTH - 1, text)}
    items = [_value(chance, DEPTH, text) for _ in range(chance.choice(MANY[:3]))]
    return whole, {"x": _value(chance, DEPTH, text), "y": items * chance.choice((1, 30))}


def _schema(chance: random.Random, depth: int, text: str) -> Any:
    if not depth or chance.random() < 0.1:
        ref = {"$ref": f"#/$defs/{chance.choice(NAMES)}"}
        return chance.choice((True, False, {}, ref, ref))
    words = chance.sample(sorted(_KEYWORDS), chance.randrange(1, 4))
    return {word: _KEYWORDS[word](chance, depth - 1, text) for word in words}


def _listed(chance: random.Random, depth: int, text: str) -> Any:
    return [_schema(chance, depth, text)] * chance.choice((1, 2, 5, 30 if depth == 0 else 2))


def _named(chance: random.Random, depth: int, text: str) -> Any:
    return {name: _schema(chance, depth, text) for name in (*NAMES[:2], text[:20])}


def _matched(chance: random.Random, depth: int, text: str) -> Any:
    return {source: _schema(chance, depth, text) for source in ("^(a+)+$", "k[0-9]{1,50}", "")}


def _names(chance: random.Random, _: int, text: str) -> Any:
    return [*{*NAMES, text, *(f"k{n}" for n in range(chance.choice((0, 5, 40))))}]


def _number(chance: random.Random, _: int, __: str) -> Any:
    return chance.choice((1, 3, 10**300 + 1, 0.1, 1e-300, 5e-324))


def _length(chance: random.Random, _: int, __: str) -> Any:
    return chance.choice((0, 1, 2, 50))


def _value(chance: random.Random, depth: int, text: str) -> Any:
    many = chance.choice(MANY if depth == DEPTH else MANY[:2])
    if not depth or chance.random() < 0.2:
        texts = (text, "a" * 900 + "b", "a" * chance.choice((1, 1_000, LONG)))
        return chance.choice((None, True, 0, 1.5, 10**300, 1e308, *texts))
    if chance.random() < 0.5:
        return [_value(chance, depth - 1, text)] * many
    inner = _value(chance, depth - 1, text)
    return dict.fromkeys((*NAMES, *(f"k{n}" for n in range(many))), inner)


_KEYWORDS: dict[str, Any] = {
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), _listed),
    **dict.fromkeys(("properties", "dependentSchemas"), _named),
    **dict.fromkeys(("items", "contains", "not", "if", "then", "else"), _schema),
    **dict.fromkeys(("additionalProperties", "propertyNames"), _schema),
    **dict.fromkeys(("minimum", "exclusiveMaximum", "multipleOf"), _number),
    **dict.fromkeys(("minItems", "maxItems", "maxLength", "minProperties", "minContains"), _length),
    "patternProperties": _matched,
    "required": _names,
    "dependentRequired": lambda *args: dict.fromkeys(NAMES, _names(*args)),
    "enum": lambda chance, depth, text: [_value(chance, 1, text), _value(chance, depth, text)],
    "const": lambda chance, _, text: _value(chance, 2, text),
    "pattern": lambda chance, _, __: chance.choice(("^(a+)+$", "(a?){40}b", "a{400}")),
    "uniqueItems": lambda *_: True,
    "type": lambda chance, *_: chance.choice(("object", ["array", "null"], "string", "integer")),
}
