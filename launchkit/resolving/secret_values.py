"""What a queue config holds that only its operators may read, told by the names of its keys."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from launchkit.model import ItemReport, Json, QueueItem, QueueSpec, Variable, Verdict
from launchkit.references import fields_in
from launchkit.resolving.masking import HIDDEN, Mask, MaskOfAll, mask_of
from launchkit.resolving.secret_places import Found, PartsOf, Walk, secrets_in, with_keys
from launchkit.secret_names import is_secret, is_secret_name, measures

NOT_OF_THE_QUEUE = frozenset({"config", "env", "origins"})


def spec_without(
    spec: QueueSpec, found: Sequence[Found], mask: Mask, parts_of: PartsOf
) -> QueueSpec:
    """A queue with `…` for what is a secret by a name, as *found* in its config, and for what a
    *mask* knows.
    """
    secret = secret_variables(found, spec.variables)
    variables = {
        name: _all_hidden(one, mask) if name in secret else _without(name, one, mask)
        for name, one in spec.variables.items()
    }
    config = Walk(mask, parts_of=parts_of).mapping(spec.config, "", ())
    return replace(spec, config=config, variables=variables)


def wholly_hidden(spec: QueueSpec) -> QueueSpec:
    """A queue of which no more is shown than what its template variables are called."""
    variables = {name: _all_hidden(one, MaskOfAll()) for name, one in spec.variables.items()}
    return replace(spec, config={HIDDEN: HIDDEN}, variables=variables)


def secret_variables(found: Sequence[Found], variables: Mapping[str, Variable]) -> Collection[str]:
    """The template variables whose values are secrets: by their own names, or as the whole or a
    part of what is one in the config.
    """
    filled = {name for one in found for value in one.values for name in fields_in(value)}
    named = {name for name, one in variables.items() if _is_secret_by_name(name, one)}
    return (filled & variables.keys()) | named


def secret_defaults(found: Sequence[Found], variables: Mapping[str, Variable]) -> tuple[str, ...]:
    """The secrets among the defaults and choices of a queue's template variables: a launch has them
    wherever the fields are, also where no key tells of them. With them those in their patterns, of
    which an objection tells.
    """
    secret = secret_variables(found, variables)
    known: list[str] = []
    for name, one in variables.items():
        values = _values_of(one)
        if name in secret:
            known += map(str, values)
        else:
            told = {name: values, "": one.pattern}
            known += [text for part in secrets_in(told) for text in part.values]
    return tuple(known)


def item_without_secrets(item: QueueItem) -> QueueItem:
    """A launch, of which all may be seen but what came from the queue's config."""
    return replace(item, resolved=without_queue_secrets(item.resolved)) if item.resolved else item


def without_queue_secrets(resolved: Json, secrets: Sequence[str] = ()) -> dict[str, object]:
    """What a launch came to, with `…` for secrets of the queue's config and for each of some known
    *secrets*; the run's own config and who made each choice stay as they are but for the latter.
    """
    known, mask = without_values(resolved, secrets), mask_of(*secrets)
    return {
        name: known[name] if name in NOT_OF_THE_QUEUE else _hidden_as(name, value, mask)
        for name, value in resolved.items()
    }


def hidden(values: Json, secrets: Sequence[str] = ()) -> dict[str, Any]:
    """Values with `…` for each text that is a secret by its name: a key, the name in a pair of
    `name` and `value`, or one before it in a text; for the login in an address; and for each of
    some known *secrets*, wherever it or a part of it stands.
    """
    return Walk(mask_of(*secrets)).mapping(values, "", ())


def _hidden_as(name: str, value: object, mask: Mask) -> Any:
    """One value of that name, with the same hidden."""
    return Walk(mask).value(value, name, (name,))


def without_values(told: Json, secrets: Sequence[str]) -> dict[str, Any]:
    """Values with `…` for each of some *secrets*, wherever it or a part of it stands in a text or
    in a key below.
    """
    mask = mask_of(*secrets)

    def masked(value: Any) -> Any:
        if isinstance(value, Mapping):
            return with_keys((mask(str(key)), masked(inner)) for key, inner in value.items())
        if isinstance(value, list | tuple):
            return [masked(inner) for inner in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return HIDDEN if mask.hides(value) else value
        return mask(value) if isinstance(value, str) else value

    return {key: masked(value) for key, value in told.items()} if mask.texts else dict(told)


def verdict_without_values(verdict: Verdict, secrets: Sequence[str]) -> Verdict:
    """Why a run ended, with `…` for each of some *secrets*."""
    said = without_values(
        {"summary": verdict.summary, "evidence": verdict.evidence, "hint": verdict.hint}, secrets
    )
    return replace(verdict, **{**said, "evidence": tuple(said["evidence"])})


def report_without_values(report: ItemReport, secrets: Sequence[str]) -> ItemReport:
    """What a queue is told, with `…` for each of some *secrets* in what people read."""
    said = without_values({"message": report.message, "warnings": report.warnings}, secrets)
    verdict = verdict_without_values(report.verdict, secrets) if report.verdict else None
    return replace(report, **{**said, "warnings": tuple(said["warnings"])}, verdict=verdict)


def _values_of(variable: Variable) -> list[object]:
    return [one for one in (variable.default, *(variable.enum or ())) if one is not None]


def _is_secret_by_name(name: str, variable: Variable) -> bool:
    is_measure = measures(name) and not any(is_secret(name, str(v)) for v in _values_of(variable))
    return is_secret_name(name) and not is_measure


def _all_hidden(variable: Variable, mask: Mask) -> Variable:
    """A variable without all that tells of its values. Who launches may still give one of the
    choices, which the queue compares with them.
    """
    variable = replace(variable, description=_hidden_as("", variable.description, mask))
    default = HIDDEN if variable.default not in (None, "") else variable.default
    return replace(variable, default=default, enum=None, pattern=None, minimum=None, maximum=None)


def _without(name: str, variable: Variable, mask: Mask) -> Variable:
    """A variable without the secrets within its default, its choices and its pattern."""
    enum, pattern = list(variable.enum or ()), variable.pattern
    is_told = secrets_in({name: enum}) or _hidden_as(name, enum, mask) != enum
    is_in_pattern = secrets_in({"": pattern}) or _hidden_as("", pattern, mask) != pattern
    return replace(
        variable,
        default=_hidden_as(name, variable.default, mask),
        description=_hidden_as("", variable.description, mask),
        enum=None if is_told else variable.enum,
        pattern=None if is_in_pattern else pattern,
    )
