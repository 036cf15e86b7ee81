"""A queue's config shown to its runner before anything is launched: template variables without a
default get values of their types and bounds, and only what no value could change is an objection.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from launchkit.abc import Runner
from launchkit.codec import Path, below, check_depth, dotted, unknown_key
from launchkit.errors import ConfigError, PluginError, Rejected
from launchkit.model import Json, QueueSpec, Scalar, Variable
from launchkit.resolving.nested import entries, leaves
from launchkit.resolving.resolve import builder_part, queue_args, queue_template
from launchkit.resolving.templates import FIELD, has_field

if TYPE_CHECKING:
    from jsonschema import ValidationError

ROOT = "resource_args"
TEXTS: tuple[Scalar, ...] = ("a", "1", "1g", "/a", "a=b", "a:b")
ANYTHING = r"(.|\n)*"
INTEGERS: tuple[Scalar, ...] = (1, 0, 8, 1024)
NUMBERS: tuple[Scalar, ...] = (1, 0.5, 0, 1024)


def check_config_of(queue: QueueSpec, runner: type[Runner]) -> None:
    """Show the config of *queue* to the class of its runner.

    A config that one set of values makes good is good. Of one that none does, those lines are
    told that do not depend on the values: about keys that the runner does not know, about places
    without a template field, and about fields all of whose values were tried, whatever is said of
    each value.

    :raises Rejected: if a launch could not be good, whatever it chose.
    """
    try:
        check_depth(queue.config, below(ROOT))
    except ConfigError as exc:
        raise Rejected(exc.message) from exc
    from launchkit.resolving.builder_args import check_builder_args

    check_builder_args(builder_part(queue, runner))
    queue = replace(queue, variables={name: _any(v) for name, v in queue.variables.items()})
    refused: Rejected | None = None
    tried: list[list[str]] = []
    for values in samples(queue.variables):
        try:
            runner.check_args(queue_args(queue, runner, values))
        except Rejected as exc:
            refused = refused or exc
            tried.append(exc.message.splitlines())
        else:
            return
    assert refused is not None  # noqa: S101 - there is at least one sample
    if not open_variables(queue.variables):
        raise refused
    told = _Told.of(queue, runner)
    always = set(tried[0]).intersection(*tried[1:])
    places = set(map(_said, tried[0])).intersection(*(map(_said, lines) for lines in tried[1:]))
    lasting = [
        line
        for line in tried[0]
        if (line in always and told.lasts(line)) or (_said(line) in places and told.all_tried(line))
    ]
    if lasting:
        raise Rejected("\n".join(lasting), hint=refused.hint) from refused


def samples(variables: Mapping[str, Variable]) -> Iterator[dict[str, Scalar]]:
    """Sets of values for the variables that have no default; the first is the likeliest."""
    choices = {name: values_of(v) for name, v in open_variables(variables).items()}
    for index in range(max(map(len, choices.values()), default=1)):
        yield {name: values[index % len(values)] for name, values in choices.items()}


def open_variables(variables: Mapping[str, Variable]) -> dict[str, Variable]:
    """Those for which a launch has to choose a value."""
    return {name: variable for name, variable in variables.items() if variable.default is None}


def values_of(variable: Variable) -> Sequence[Scalar]:
    """Values that a variable may have: all of them, if they are listed."""
    if variable.enum is not None:
        return variable.enum
    if variable.type == "string":
        return TEXTS
    usual = INTEGERS if variable.type == "integer" else NUMBERS
    bounds = [bound for bound in (variable.minimum, variable.maximum) if bound is not None]
    if variable.type == "integer":
        bounds = [int(bound) for bound in bounds]
    fitting = [value for value in usual if _fits(value, variable)]
    return list(dict.fromkeys([*bounds, *fitting])) or usual


def _any(variable: Variable) -> Variable:
    """One that may have the samples of its type, whatever else its values must be."""
    if variable.type != "string":
        return variable
    return replace(variable, pattern=ANYTHING, max_length=None)


def _fits(value: Scalar, variable: Variable) -> bool:
    low, high = variable.minimum, variable.maximum
    assert not isinstance(value, str)  # noqa: S101 - for the type checker
    return (low is None or value >= low) and (high is None or value <= high)


@dataclass(frozen=True)
class _Told:
    """What decides whether an objection to a queue's config holds for all values, found once."""

    variables: Mapping[str, Variable]
    places: frozenset[str]
    """Of all values of the config."""
    fields: Mapping[str, Sequence[str]]
    """Places with template fields, and the names of their variables."""
    unknown: Mapping[str, str]
    """Places of keys that the runner does not know, and the keys."""

    @classmethod
    def of(cls, queue: QueueSpec, runner: type[Runner]) -> "_Told":
        template = queue_template(queue, runner)
        paths = [path for path, _ in (*entries(template), *leaves(template))]
        unknown = unknown_keys(template, _args_schema(runner))
        return cls(
            variables=queue.variables,
            places=frozenset({ROOT, *(dotted((ROOT, *path)) for path in paths)}),
            fields=dict(_fields(template)),
            unknown={dotted((ROOT, *path)): str(path[-1]) for path in unknown},
        )

    def all_tried(self, line: str) -> bool:
        """Whether an objection is to the value of a field, and the samples have all that it can
        be.
        """
        names = self.fields.get(_said(line))
        return names is not None and _exhausted(names, self.variables)

    def lasts(self, line: str) -> bool:
        """Whether an objection that all samples raise would be raised for each other value too."""
        said = _said(line)
        place = self._nearest(said)
        if place is None:
            return False
        if said == place and (said in self.unknown or line.startswith(unknown_key(said, "", ()))):
            return True
        about = [names for path, names in self.fields.items() if _inside(path, place)]
        if all(_exhausted(names, self.variables) for names in about):
            return True
        return any(_inside(at, place) and said.endswith(key) for at, key in self.unknown.items())

    def _nearest(self, said: str) -> str | None:
        """The place in the config that a message begins with, or the nearest one above it; None if
        it begins with something else.
        """
        while said and said not in self.places:
            said = said[: max(said.rfind("."), said.rfind("["), 0)]
        return said or None


def _said(line: str) -> str:
    """The key path that a message begins with."""
    return line.partition(": ")[0]


def _args_schema(runner: type[Runner]) -> Json:
    """:raises PluginError: if what the class gives is no JSON Schema."""
    from jsonschema import Draft202012Validator, SchemaError

    schema = runner.args_schema()
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as exc:
        home = runner.offered_by or runner.__module__
        raise PluginError(
            f"runner {runner.kind} of {home}: args_schema gives no JSON Schema: {exc.message}"
        ) from exc
    return schema


def _fields(template: Json) -> Iterator[tuple[str, list[str]]]:
    """Each place with template fields, and the names of their variables."""
    for path, value in leaves(template):
        if has_field(value):
            yield dotted((ROOT, *path)), FIELD.findall(str(value))


def _inside(path: str, place: str) -> bool:
    return path == place or path.startswith((f"{place}.", f"{place}["))


def _exhausted(names: Collection[str], variables: Mapping[str, Variable]) -> bool:
    """Whether the samples have all values of these variables that a launch could choose."""
    chosen = [variables[name] for name in set(names) if variables[name].default is None]
    return not chosen or (len(chosen) == 1 and chosen[0].enum is not None)


def unknown_keys(args: Json, schema: Json) -> Iterator[Path]:
    """The keys that a JSON Schema does not allow, however deep."""
    from jsonschema import Draft202012Validator

    def look(errors: "Iterable[ValidationError]") -> Iterator[Path]:
        for error in errors:
            if error.validator == "additionalProperties" and isinstance(error.instance, Mapping):
                rules: Any = error.schema
                known = rules.get("properties", {})
                patterns = rules.get("patternProperties", {})
                for key in error.instance:
                    if key not in known and not any(re.search(p, key) for p in patterns):
                        yield (*error.absolute_path, key)
            yield from look(error.context or ())

    yield from look(Draft202012Validator({**schema}).iter_errors(_lists(args)))


def _lists(value: object) -> Any:
    """As JSON has it."""
    if isinstance(value, Mapping):
        return {key: _lists(inner) for key, inner in value.items()}
    return [_lists(inner) for inner in value] if isinstance(value, list | tuple) else value
