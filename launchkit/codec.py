"""Plain data (JSON, YAML) to typed values and back, with errors that say where and what instead."""

import math
import re
import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from heapq import nlargest
from itertools import islice, takewhile
from typing import Any, TypeVar

from pydantic import SecretBytes, SecretStr, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticSerializationError

from launchkit.errors import ConfigError
from launchkit.model import Secret
from launchkit.plain_text import shortened

T = TypeVar("T")
Path = tuple[str | int, ...]
Locate = Callable[[Path], str]
"""Turns the path of a key into the start of a message, such as `file.yaml:3: builder.type`."""


MAX_DEPTH = 100
"""Levels of mappings and lists in each other."""
MOST_DIGITS = 100
"""Of a number: to read or write a whole one takes time with the square of them. One of 256 bits,
such as a seed or a hash, has 78.
"""
TOO_LARGE = 10**MOST_DIGITS
SHOWN_LEVELS = 3
MAX_KEY = 100
MOST_PROBLEMS = 100
"""So many are told at once."""
LONGEST_WORD = 100
MOST_KNOWN = 10_000
MOST_COMPARED = 50
UNKNOWN = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
MISSING = frozenset({"missing", "missing_argument", "missing_keyword_only_argument"})
SHAPES: Mapping[str, str] = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "dataclass_type": "a mapping",
    "model_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
}
"""The errors of pydantic that say that a value has another shape, and the shape it was to have."""
_SHOULD = re.compile(r"^[A-Z][a-z]+ should ")
_ADAPTERS: dict[object, TypeAdapter[Any]] = {}


def adapter(of: type[T]) -> TypeAdapter[T]:
    """The decoder and encoder of one type; made once, because making it is slow."""
    if of not in _ADAPTERS:
        let_pydantic_look()
        _ADAPTERS[of] = TypeAdapter(of)
    return _ADAPTERS[of]


@cache
def let_pydantic_look() -> None:
    """Let pydantic look for plugins of its own, as it does with the first schema that it makes:
    that one fails if the metadata of any distribution cannot be read, and the next does not.
    """
    with suppress(Exception):
        TypeAdapter(int)


def decode(of: type[T], data: object, locate: Locate | None = None) -> T:
    """Make a value of type *of* from plain data.

    :raises ConfigError: if a key is unknown, missing, or has a value of the wrong shape; the
        message names each of them, one to a line.
    """
    try:
        return adapter(of).validate_python(data)
    except ValidationError as exc:
        raise _explained(exc, of, data, locate or dotted) from exc


def decode_json(of: type[T], text: str | bytes) -> T:
    """Make a value from JSON that this program wrote itself."""
    return adapter(of).validate_json(text)


def encode_json(value: object) -> str:
    """Write a value as JSON, such that `decode_json` of its type reads it back.

    :raises ConfigError: if there is something in it that no JSON holds, such as half of a letter.
    """
    try:
        return adapter(_type(value)).dump_json(value).decode()
    except PydanticSerializationError as exc:
        raise ConfigError(
            f"a value cannot be kept as JSON: {shortened(str(exc))}",
            hint="a text with half a surrogate pair is none that UTF-8 has",
        ) from exc


def plain(value: object) -> Any:
    """Turn a value into dicts, lists, texts and numbers, for output as JSON or YAML."""
    return adapter(_type(value)).dump_python(value, mode="json")


def _type(value: object) -> type[object]:
    return type(value)


def dotted(path: Path) -> str:
    """Write a key path as people do: `builder.type`, `queues[1]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "(top level)"


def check_depth(data: object, locate: Locate | None = None) -> None:
    """Look that plain data is not nested deeper than all that walk through it can go. Takes linear
    time, also where parts of it stand in it many times.

    :raises ConfigError: if it has more than `MAX_DEPTH` levels; the message names where they begin.
    """
    levels = _levels(data)
    for _ in range(MAX_DEPTH):
        if next(levels, None) is None:
            return
    if deepest := next(levels, None):
        place = (locate or dotted)(deepest[0][1])
        raise ConfigError(f"{place}: is nested too deep: {MAX_DEPTH} levels are allowed")


def check_numbers(data: object, locate: Locate | None = None) -> None:
    """Look that plain data, which `check_depth` let pass, has no number that cannot be kept.

    :raises ConfigError: naming the first one.
    """
    for level in _levels(data):
        for value, at in level:
            for key, one in _parts(value):
                if problem := number_problem(one):
                    raise no_number((locate or dotted)((*at, key)), problem)


def number_problem(value: object) -> str | None:
    """What is wrong with a number that JSON cannot say and that would be kept as null, or that has
    more digits than anybody means.
    """
    if isinstance(value, float) and not math.isfinite(value):
        return f"must be a finite number, not {value}, which JSON cannot say"
    if isinstance(value, int) and abs(value) >= TOO_LARGE:
        return f"must be a number of at most {MOST_DIGITS} digits"
    return None


def no_number(place: str, problem: str) -> ConfigError:
    """The error about such a number."""
    return ConfigError(f"{place}: {problem}", hint="put the value into quotes to make it text")


def _levels(data: object) -> Iterator[Sequence[tuple[object, Path]]]:
    """The mappings and lists of plain data with their paths, level by level, each once a level."""
    level: Sequence[tuple[object, Path]] = [(data, ())]
    while level:
        yield level
        seen = {id(inner): (inner, path) for one, at in level for inner, path in _inner(one, at)}
        level = [*seen.values()]


def _inner(value: object, at: Path) -> Iterator[tuple[object, Path]]:
    """The mappings and lists in a value; of paths only the beginnings are kept."""
    for key, one in _parts(value):
        if isinstance(one, Mapping | list | tuple):
            yield one, (*at, key) if len(at) < SHOWN_LEVELS else at


def _parts(value: object) -> Iterable[tuple[str | int, object]]:
    if isinstance(value, Mapping):
        return ((shortened(str(key), MAX_KEY), one) for key, one in value.items())
    return enumerate(value) if isinstance(value, list | tuple) else ()


def below(*above: str | int) -> Locate:
    """Names places that stand under the path *above*."""
    return lambda path: dotted((*above, *path))


def suggest(word: str, known: Iterable[str]) -> str | None:
    """The known word nearest to *word*, if one is near. Of very many, or long ones, not all are
    looked at: comparing takes a tenth of a millisecond and more.
    """
    from difflib import get_close_matches

    if len(word) > LONGEST_WORD:
        return None
    words = [one for one in islice(known, MOST_KNOWN) if len(one) <= LONGEST_WORD]
    alike = nlargest(MOST_COMPARED, words, key=lambda one: _alike(word, one))
    return next(iter(get_close_matches(word, alike, n=1, cutoff=0.6)), None)


def _alike(word: str, other: str) -> int:
    """How many letters they have in common at both ends; told fast."""
    begin = _equal(word, other)
    return begin + _equal(word[begin:][::-1], other[begin:][::-1])


def _equal(one: str, other: str) -> int:
    """With how many equal letters two words begin."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def unknown_key(where: str, key: str, known: Iterable[str]) -> str:
    """The message about a key that is not among the *known* ones, with the nearest of them."""
    near = suggest(key, known)
    return f"{where}: unknown key" + (f"; did you mean {near!r}?" if near else "")


def is_secret(of: object) -> bool:
    """Whether a value of type *of* may be a secret, which is then not shown."""
    return of in {Secret, SecretStr, SecretBytes} or any(map(is_secret, typing.get_args(of)))


def _explained(exc: ValidationError, of: object, data: object, locate: Locate) -> ConfigError:
    """A pydantic error as one that a person can act on. Where each of several shapes was refused,
    they are told in one line, and only if the fault is not deeper inside.
    """
    places: dict[Path, list[ErrorDetails]] = {}
    for error in exc.errors(include_url=False)[:MOST_PROBLEMS]:
        places.setdefault(_place(error, data), []).append(error)
    above = {path[:length] for path in places for length in range(len(path))}
    lines: list[str] = []
    for path, errors in places.items():
        shapes = [error for error in errors if error["type"] in SHAPES]
        others = [error for error in errors if error["type"] not in SHAPES]
        if shapes and path not in above:
            wanted = _either({SHAPES[error["type"]] for error in shapes})
            lines.append(f"{locate(path)}: must be {wanted}{_got(shapes[0], of, path)}")
        lines += (_line(error, of, path, locate) for error in others)
    return ConfigError("\n".join(dict.fromkeys(lines)))


def _place(error: ErrorDetails, data: object) -> Path:
    """Where in *data* an error is: pydantic also names the alternatives of a type on the way."""
    path: list[str | int] = []
    for part in error["loc"]:
        at = range(len(data)) if isinstance(data, list | tuple) else data
        if isinstance(at, Mapping | range) and part in at:
            data = data[part]  # type: ignore[index] # it is there
        elif error["type"] not in MISSING or part != error["loc"][-1]:
            continue
        path.append(part)
    return tuple(path)


def _either(words: Collection[str]) -> str:
    """The shapes that a value may have, in a fixed order."""
    known = dict.fromkeys(SHAPES.values())
    told = [word for word in known if word in words]
    if "a number" in told and "a whole number" in told:
        told.remove("a whole number")
    return " or ".join(filter(None, (", ".join(told[:-1]), told[-1])))


def _line(error: ErrorDetails, of: object, path: Path, locate: Locate) -> str:
    where = locate(path)
    if error["type"] in UNKNOWN:
        return unknown_key(where, str(path[-1]), _fields_at(of, path[:-1]))
    if error["type"] in MISSING:
        return f"{where}: this key is required"
    said = _SHOULD.sub("must ", error["msg"].removeprefix("Value error, "))
    return f"{where}: {said}{_got(error, of, path)}"


def _got(error: ErrorDetails, of: object, path: Path) -> str:
    """What was given instead, unless it is long or secret."""
    hidden = isinstance(error["input"], dict | list | tuple) or is_secret(_type_at(of, path))
    if hidden:
        return ""
    from launchkit.addresses import masked_value

    return f", not {masked_value(error['input'])!r}"


def _fields_at(of: object, path: Sequence[str | int]) -> list[str]:
    """The names of the fields of the type found at *path* inside *of*."""
    return _field_names(_type_at(of, path))


def _type_at(of: object, path: Sequence[str | int]) -> object:
    """The type of the field at *path* inside *of*, if it can be told."""
    for part in path:
        of = _field_type(of, part)
    return of


def _alternatives(of: object) -> Iterable[object]:
    if hasattr(of, "__dataclass_fields__") or hasattr(of, "model_fields"):
        yield of
    for argument in typing.get_args(of):
        yield from _alternatives(argument)


def _field_names(of: object) -> list[str]:
    names: list[str] = []
    for one in _alternatives(of):
        model_fields = getattr(one, "model_fields", None)
        if model_fields is not None:
            names += [field.alias or name for name, field in model_fields.items()]
        else:
            names += [f for f in one.__dataclass_fields__ if not f.startswith("_")]  # type: ignore[attr-defined]
    return names


def _field_type(of: object, part: str | int) -> object:
    for one in _alternatives(of):
        for name, field in getattr(one, "model_fields", {}).items():
            if part in {name, field.alias}:
                return field.annotation
        field = getattr(one, "__dataclass_fields__", {}).get(part)
        if field is not None and not isinstance(field.type, str):
            return typing.cast("object", field.type)
    return None
