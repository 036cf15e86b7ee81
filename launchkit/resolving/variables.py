"""Template variables: their definitions, and the values that launches give them."""

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from launchkit.codec import Locate, Path, decode, dotted, number_problem, suggest
from launchkit.errors import ConfigError, Rejected
from launchkit.model import Json, Scalar, Variable
from launchkit.resolving.linear_regex import (
    MOST_CHARACTERS,
    MOST_STEPS,
    LinearRegex,
    Work,
    linear_regex,
)

NAME = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
"""What a variable may be called."""

MOST_TOLD = 20
"""So many that are unknown, or known, are named."""

MOST_WORK = 200_000
"""Steps of patterns, for all values of a launch, or all that a queue says of its variables."""

LONGEST = 10_000
"""Characters of a text whose definition names no `max_length`."""

NOT_ALLOWED = "must be one of the values that its queue allows"

TYPE_NAMES = {"float": "number"}
"""Words for a type that mean one of ours."""


def parse_variables(data: Json, locate: Locate | None = None) -> dict[str, Variable]:
    """Read definitions: `{cpu: {type: integer, minimum: 1}}`, or `{cpu: {schema: {…}}}` as W&B
    writes them.

    :raises ConfigError: naming each definition that has a wrong shape or contradicts itself.
    """
    where = locate or dotted
    found: dict[str, Variable] = {}
    problems: list[str] = []
    work = Work(MOST_WORK)
    for name, raw in data.items():
        try:
            found[name] = _parse_one(name, raw, where, work)
        except ConfigError as exc:
            problems.append(exc.message)
    if problems:
        raise ConfigError("\n".join(problems))
    return found


def check_variables(variables: Mapping[str, Variable], locate: Locate) -> None:
    """:raises ConfigError: naming each definition that contradicts itself."""
    work = Work(MOST_WORK)
    problems = [
        f"{locate((name, key))}: {text}"
        for name, variable in variables.items()
        for key, text in _contradictions(variable, work)
    ]
    if problems:
        raise ConfigError("\n".join(problems[:MOST_TOLD]))


def parse_set_vars(pairs: Sequence[str], variables: Mapping[str, Variable]) -> dict[str, Scalar]:
    """Read `name=value` texts of the command line; each value gets its variable's type.

    :raises Rejected: naming each text that cannot be read.
    """
    values: dict[str, Scalar] = {}
    problems: list[str] = []
    for pair in pairs:
        name, equals, text = pair.partition("=")
        problem = _pair_problem(pair, variables)
        if problem is None and equals:
            try:
                values[name] = cast(text, variables[name])
            except ValueError:
                problem = f"{name}: must be of type {variables[name].type}, not {text!r}"
        if problem:
            problems.append(problem)
    if problems:
        raise Rejected("\n".join(problems))
    return values


def value_problems(
    values: Mapping[str, object],
    variables: Mapping[str, Variable],
    secret: Collection[str] = (),
) -> Iterator[str]:
    """What is wrong with the values of a launch, one sentence each; not what variables that are
    *secret* may hold.
    """
    unknown = sorted(values.keys() - variables.keys())
    for name in unknown[:MOST_TOLD]:
        yield _unknown(name, variables)
    if more := unknown[MOST_TOLD:]:
        yield f"template variables: {len(more)} more that are unknown"
    work = Work(MOST_WORK)
    for name, variable in variables.items():
        if name in values:
            problem = objection(values[name], variable, work)
            if problem and name in secret:
                problem = NOT_ALLOWED
            if problem:
                yield f"template variable {name}: {problem}"
        elif variable.default is None:
            yield f"template variable {name}: needs a value; it has no default"


def objection(value: object, variable: Variable, work: Work | None = None) -> str | None:
    """Why *value* is not allowed for *variable*, or None if it is. A bool is no number. *work* is
    what may be done to compare it with a pattern.
    """
    if isinstance(value, int) and (problem := number_problem(value)):
        return problem
    if not _has_type(value, variable.type):
        return f"must be of type {variable.type}, not {value!r}"
    if variable.enum is not None and value not in variable.enum:
        return f"must be one of {_listed(variable.enum)}, not {value!r}"
    if isinstance(value, str):
        return _text_problem(value, variable, work or Work(MOST_WORK))
    return _out_of_bounds(value, variable) if isinstance(value, int | float) else None


def _text_problem(value: str, variable: Variable, work: Work) -> str | None:
    if "\0" in value:
        return "cannot hold a NUL character"
    if "${" in value and variable.enum is None:
        return "cannot hold ${: macros are the queue's"
    most = MOST_CHARACTERS if variable.pattern is not None else LONGEST
    if variable.max_length is not None:
        most = variable.max_length
    if len(value) > most:
        return f"may have {most} characters, not {len(value)}"
    return None if variable.pattern is None else _pattern_problem(value, variable.pattern, work)


def _pattern_problem(value: str, pattern: str, work: Work) -> str | None:
    try:
        fits = _compared(pattern, work).fullmatch(value, work)
    except ValueError as exc:
        return f"cannot be compared with the pattern {pattern}: {exc}"
    return None if fits else f"must be what the pattern {pattern} says, not {value!r}"


def _compared(pattern: str, work: Work) -> LinearRegex:
    if not work.spend(1):
        raise ValueError("all patterns take too long together")
    try:
        regex = linear_regex(pattern)
    except ValueError:
        work.spend(MOST_STEPS)
        raise
    work.spend(regex.size)
    return regex


def _out_of_bounds(value: float, variable: Variable) -> str | None:
    low, high = variable.minimum, variable.maximum
    if low is not None and value < low:
        return f"must be at least {low}, not {value!r}"
    if high is not None and value > high:
        return f"must be at most {high}, not {value!r}"
    return None


def _has_type(value: object, wanted: str) -> bool:
    if isinstance(value, bool):
        return False
    if wanted == "string":
        return isinstance(value, str)
    is_float = isinstance(value, float) and math.isfinite(value)
    return isinstance(value, int) or (wanted == "number" and is_float)


def cast(text: str, variable: Variable) -> Scalar:
    """A text as a value of the type of *variable*. :raises ValueError: if it is none."""
    if variable.type == "integer":
        return int(text)
    if variable.type == "number":
        return float(text)
    return text


def _pair_problem(pair: str, variables: Mapping[str, Variable]) -> str | None:
    name, equals, text = pair.partition("=")
    if not equals:
        return f"--set-var {pair}: must have the form name=value"
    if name not in variables:
        return f"--set-var {pair}: {_unknown(name, variables)}"
    for part in text.split(",")[1:]:
        if part.partition("=")[0].strip() in variables and "=" in part:
            return f"--set-var {pair}: give one --set-var for each variable, not a list"
    return None


def _unknown(name: str, variables: Iterable[str]) -> str:
    known = sorted(variables)
    if not known:
        return (
            f"template variable {name}: this queue has no template variables; leave it out, or add"
            " some with `launchkit queue edit NAME --template-variables FILE`"
        )
    near = suggest(name, known)
    few = ", ".join([*known[:MOST_TOLD], *(["…"] if known[MOST_TOLD:] else [])])
    ending = f"; did you mean {near!r}?" if near else f"; there are: {few}"
    return f"template variable {name}: there is none of that name{ending}"


def _parse_one(name: str, raw: object, where: Locate, work: Work) -> Variable:
    def here(path: Path) -> str:
        return where((name, *path))

    if not NAME.fullmatch(name):
        raise ConfigError(
            f"{here(())}: a variable's name has letters, digits, _ and -, and starts with a letter"
        )
    if not isinstance(raw, Mapping):
        raise ConfigError(f"{here(())}: must be a mapping with at least `type`, not {raw!r}")
    flat = _flat(raw)
    kind = flat.get("type")
    if isinstance(kind, str):
        flat["type"] = TYPE_NAMES.get(kind, kind)
    problems = list(_shape_problems(flat))
    sound = {key: value for key, value in flat.items() if key not in dict(problems)}
    refused: list[str] = []
    variable = None
    try:
        variable = decode(Variable, sound, here)
        problems += _contradictions(variable, work)
    except ConfigError as exc:
        refused.append(exc.message)
    if problems or refused or variable is None:
        told = [f"{here((key,))}: {text}" for key, text in problems]
        raise ConfigError("\n".join(told + refused))
    return variable


def _flat(raw: Json) -> dict[str, object]:
    schema = raw.get("schema")
    if not isinstance(schema, Mapping):
        return dict(raw)
    return {**schema, **{key: value for key, value in raw.items() if key != "schema"}}


def _shape_problems(flat: Json) -> Iterator[tuple[str, str]]:
    """What decoding alone would let pass, or turn into another type."""
    for key in ("minimum", "maximum"):
        if flat.get(key) is not None and not _has_type(flat[key], "number"):
            yield key, f"must be a number, not {flat[key]!r}"
    if isinstance(flat.get("default"), bool):
        yield "default", f"must be text or a number, not {flat['default']!r}"
    enum = flat.get("enum")
    if isinstance(enum, Sequence) and any(isinstance(value, bool) for value in enum):
        yield "enum", "must hold texts or numbers; put yes, no, on and off into quotes"


def _contradictions(variable: Variable, work: Work) -> Iterator[tuple[str, str]]:
    of_texts = [*_text_contradictions(variable, work)]
    yield from of_texts
    of_bounds = [*_bound_contradictions(variable)]
    yield from of_bounds
    if of_bounds:
        variable = replace(variable, minimum=None, maximum=None)
    if "pattern" not in dict(of_texts):
        yield from _value_contradictions(variable, work)


def _bound_contradictions(variable: Variable) -> Iterator[tuple[str, str]]:
    low, high = variable.minimum, variable.maximum
    known = {
        key: bound for key, bound in (("minimum", low), ("maximum", high)) if bound is not None
    }
    if variable.type == "string":
        yield from ((key, "is for numbers; this variable is a string") for key in known)
        return
    problems = [(key, why) for key, bound in known.items() if (why := number_problem(bound))]
    yield from problems
    if not problems and low is not None and high is not None and low > high:
        yield "minimum", f"must not be above the maximum {high}, but is {low}"


def _text_contradictions(variable: Variable, work: Work) -> Iterator[tuple[str, str]]:
    most = variable.max_length
    for key, bound in (("pattern", variable.pattern), ("max_length", most)):
        if bound is not None and variable.type != "string":
            yield key, f"is for texts; this variable is of type {variable.type}"
    if most is not None and not 0 <= most <= MOST_CHARACTERS:
        yield "max_length", f"must be from 0 to {MOST_CHARACTERS}, but is {most}"
    try:
        if variable.pattern is not None:
            _compared(variable.pattern, work)
    except ValueError as exc:
        yield "pattern", str(exc)


def _value_contradictions(variable: Variable, work: Work) -> Iterator[tuple[str, str]]:
    choices = variable.enum
    if choices is not None and not choices:
        yield "enum", "must hold at least one value"
    for value in choices or ():
        if problem := number_problem(value):
            yield "enum", problem
        elif problem := objection(value, variable, work):
            yield "enum", f"{value!r} {problem}"
    if variable.default is not None and (problem := objection(variable.default, variable, work)):
        yield "default", problem


def _listed(values: Iterable[object]) -> str:
    return ", ".join(map(repr, values))
