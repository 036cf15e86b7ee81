"""Templates: `{{name}}` in a queue config, filled with what a launch chooses.

A field is a plain name in double braces, inside a value. Other things in double braces, such as
`{{ .Values.x }}`, belong to someone else and stay as they are.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Literal, NamedTuple

from launchkit.abc import Runner
from launchkit.codec import Locate, Path, dotted, suggest
from launchkit.errors import ConfigError, Rejected
from launchkit.model import Json, Scalar, Variable
from launchkit.resolving.nested import entries, flat, is_below, require_room, texts
from launchkit.resolving.variables import MOST_TOLD, NAME, value_problems

FIELD = re.compile(rf"\{{\{{\s*({NAME.pattern})\s*\}}\}}", re.ASCII)
_IN_MACRO = re.compile(r"\$\{\w*\0")
_END = re.compile(r"[\w-]\s*\}\}", re.ASCII)
"""The end of a field: a text without one, such as very many braces, is not looked through again
and again.
"""

MOST_FIELDS = 1_000
"""In a config."""
COUNTING_WORDS = frozenset(
    {"count", "cores", "cpu", "cpus", "gb", "gpu", "gpus", "limit", "mb", "minutes", "period"}
    | {"completions", "parallelism", "processes", "quota", "replicas", "retries", "seconds"}
    | {"shares", "size", "timeout", "workers"}
)
"""Last words of keys whose values are usually whole numbers."""


def find_variables(config: Json) -> dict[str, Variable]:
    """The fields of a config in the order in which they appear, each with the type that its
    first place suggests: integer for a whole value of a key such as `cpus` or `InstanceCount`,
    string for anything else.

    :raises ConfigError: if there are too many.
    """
    found: dict[str, Variable] = {}
    for path, text, name in _fields(config):
        found.setdefault(name, Variable(type=_guess(path, text)))
    return found


def _fields(config: Json) -> Iterator[tuple[Path, str, str]]:
    """Where each field stands, in which text, and its name."""
    count = 0
    for path, text in texts(config):
        for field in FIELD.finditer(text) if _END.search(text) else ():
            count += 1
            if count > MOST_FIELDS:
                raise ConfigError(f"{dotted(path)}: more than {MOST_FIELDS} template fields")
            yield path, text, field[1]


def check_template(
    config: Json, variables: Mapping[str, Variable], locate: Locate | None = None
) -> None:
    """Look whether a config and the definitions of its variables belong together.

    :raises ConfigError: for a field without a definition, a definition without a field, and a
        field in a key.
    """
    problems = [*islice(_misfits(config, variables, locate or dotted), MOST_TOLD)]
    if problems:
        raise ConfigError(
            "\n".join(dict.fromkeys(problems)),
            hint="`launchkit queue parse` lists the fields of a config",
        )


def _misfits(config: Json, variables: Mapping[str, Variable], where: Locate) -> Iterator[str]:
    for path, _ in entries(config):
        if has_field(path[-1]):
            yield f"{where(path)}: a template field cannot be a key"
    fields: dict[str, Path] = {}
    for path, _, name in _fields(config):
        fields.setdefault(name, path)
    yield from _in_macros(config, where)
    for name, path in fields.items():
        if name not in variables:
            yield f"{where(path)}: no variable {name!r} is defined{_near(name, variables)}"
    for name in [name for name in variables if name not in fields]:
        near = _near(name, fields.keys() - variables.keys())
        yield f"template variable {name}: no field of the config uses it{near}"


def _in_macros(config: Json, where: Locate) -> Iterator[str]:
    for path, text in texts(config):
        if "${" in text and has_field(text) and _IN_MACRO.search(FIELD.sub("\0", text)):
            yield f"{where(path)}: a template field cannot be part of a macro's name"


def _near(name: str, known: Iterable[str]) -> str:
    near = suggest(name, known)
    return f"; did you mean {near!r}?" if near else ""


def fill_template(
    config: Json,
    variables: Mapping[str, Variable],
    values: Mapping[str, Scalar],
    expands: Callable[[Path], bool] | None = None,
) -> dict[str, object]:
    """Put *values*, and defaults where there is none, into the fields of *config*.

    A value keeps its type where the field is the whole value, and is text inside other text. Where
    the platform *expands* a text, `$(NAME)` in a value that the queue's owner has not written stays
    so.

    :raises Rejected: naming all that is wrong with the values, and fields without a definition.
    """
    problems = _value_problems(config, variables, values)
    undefined = find_variables(config).keys() - variables.keys()
    problems += [f"template variable {name}: the queue does not define it" for name in undefined]
    problems += _in_macros(config, dotted)
    if problems:
        known = ", ".join(variables) or "none"
        raise Rejected(
            "\n".join(sorted(problems)), hint=f"this queue's template variables: {known}"
        )
    defaults = {name: v.default for name, v in variables.items() if v.default is not None}
    chosen = {**defaults, **values}
    fillable = ((path, text) for path, text in texts(config) if has_field(text))
    require_room(fillable, FIELD, lambda _: lambda field: len(str(chosen[field[1]])))
    found = [*_escapes(config, variables, values)]
    if found:
        raise Rejected(
            "\n".join(dict.fromkeys(found)),
            hint="the queue's owner can allow a single value, with `pattern` or `enum` for it",
        )
    brought = frozenset(
        name
        for name, value in values.items()
        if value not in (variables[name].default, *(variables[name].enum or ()))
    )
    filling = _Filling(expands or (lambda _: False), chosen, brought)
    return {key: filling.filled(value, (key,)) for key, value in config.items()}


def _escapes(
    config: Json, variables: Mapping[str, Variable], values: Mapping[str, Scalar]
) -> Iterator[str]:
    for path, text in texts(config):
        if has_field(text):
            from launchkit.resolving.field_bounds import escapes

            yield from escapes(path, text, FIELD, values, variables)


def _value_problems(
    config: Json, variables: Mapping[str, Variable], values: Mapping[str, Scalar]
) -> list[str]:
    if not any(value_problems(values, variables)):
        return []
    from launchkit.resolving.secret_places import secrets_in
    from launchkit.resolving.secret_values import secret_variables

    return [*value_problems(values, variables, secret_variables(secrets_in(config), variables))]


def has_field(value: object) -> bool:
    """Whether a value is text with a template field in it."""
    return isinstance(value, str) and bool(_END.search(value) and FIELD.search(value))


class _Filling(NamedTuple):
    expands: Callable[[Path], bool]
    chosen: Mapping[str, Scalar]
    brought: Collection[str]
    """Variables with values that the queue's owner has not written."""

    def filled(self, value: object, path: Path) -> object:
        if isinstance(value, Mapping):
            return {key: self.filled(one, (*path, key)) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.filled(one, (*path, index)) for index, one in enumerate(value)]
        if not isinstance(value, str) or not has_field(value):
            return value
        is_expanded = self.expands(path)
        whole = FIELD.fullmatch(value.strip())
        if whole and not (is_expanded and isinstance(self.chosen[whole[1]], str)):
            return self.chosen[whole[1]]
        if not is_expanded:
            return FIELD.sub(lambda field: str(self.chosen[field[1]]), value)
        from launchkit.written import with_literals

        return with_literals(self._parts(value.strip() if whole else value))

    def _parts(self, text: str) -> Iterator[tuple[str, bool]]:
        """With whether a launch has brought them."""
        at = 0
        for field in FIELD.finditer(text):
            yield text[at : field.start()], False
            yield str(self.chosen[field[1]]), field[1] in self.brought
            at = field.end()
        yield text[at:], False


def _guess(path: Path, text: str) -> Literal["string", "integer"]:
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", key)
    counts = bool(words) and words[-1].lower() in COUNTING_WORDS
    return "integer" if counts and FIELD.fullmatch(text.strip()) else "string"


def expands(runner: type[Runner]) -> Callable[[Path], bool]:
    """Tells of each place in resource arguments whether the runner's platform puts variables of the
    container in the place of `$(NAME)` there.
    """
    ways = [tuple(map(flat, way)) for way in runner.literal_ways]

    def is_expanded(path: Path) -> bool:
        if not is_below(path, runner.expanding_keys):
            return False
        keys = tuple(flat(key) for key in path if isinstance(key, str))
        return not any(way == keys[at : at + len(way)] for way in ways for at in range(len(keys)))

    return is_expanded
