"""What a queue config holds that only its operators may read, told by the names of its keys."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from launchkit.model import ItemReport, Json, QueueItem, QueueSpec, Variable, Verdict
from launchkit.resolving.masking import HIDDEN, Mask

NOT_OF_THE_QUEUE = frozenset({"config", "env", "origins"})
_SOUND_TEXT = (
    r"(?=[acelpst])"  # all begin so: most letters are looked at once
    r"(?:passw(?:or)?d|passphrase|secret|token(?!i[sz])|credential|authorization(?![_-])"
    r"|(?:api|access|account|private|signing|encryption|license)[_-]?key)"
)
_SOUND = re.compile(_SOUND_TEXT, re.IGNORECASE)
_ELSEWHERE = re.compile(r"(file|path|dir|name|url|(?<!secret)(?<!secret[_-])id)s?$", re.IGNORECASE)
_MEASURE = re.compile(
    r"tokens|max|min|num|count|limit|length|size|ttl|seconds|timeout|version", re.IGNORECASE
)
_PLAIN = re.compile(rf"{_MEASURE.pattern}|mode$|^key$|optional", re.IGNORECASE)
"""Keys of what says where a secret is, as Kubernetes does, and how it is laid in."""
_NUMBER = re.compile(r"-?[0-9.]{1,12}")
_ASSIGNMENT = re.compile(r"(-{0,2}[A-Za-z_][A-Za-z0-9_.-]{0,200})=")
_OPTION = re.compile(r"--?[A-Za-z][\w.-]{0,200}")
_IN_QUOTES = r"""(?:'"'"'|[^']){0,1000}+"""
_VALUE = rf"""("[^"]{{0,1000}}"|'{_IN_QUOTES}'|["']?[^\s,;&'"]++)"""
_QUOTED = re.compile(
    rf"(?<=')([\w.-]{{0,60}}?{_SOUND_TEXT}[\w.-]{{0,60}}+)(=)({_IN_QUOTES})", re.IGNORECASE
)
_PAIR = re.compile(
    rf"""({_SOUND_TEXT}[\w.-]{{0,60}}+)(["']?=|["']?:\s{{1,8}}(?:bearer\s|basic\s)?){_VALUE}""",
    re.IGNORECASE,
)
_SPACED = re.compile(
    rf"(?<!\S)(--?[\w.-]{{0,60}}?{_SOUND_TEXT}[\w.-]{{0,60}}+)(\s{{1,8}}(?!-)){_VALUE}",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(\bbearer\s{1,8})[^\s,;'\"]{4,}", re.IGNORECASE)
_URL = re.compile(r"(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]*+)://([^\s'\"]++)")
_PORT = re.compile(r"[0-9]{1,5}/")


def without_secrets(spec: QueueSpec) -> QueueSpec:
    """A queue as those who are not its operators see it."""
    variables = {name: _without_values(name, one) for name, one in spec.variables.items()}
    return replace(spec, config=hidden(spec.config), variables=variables)


def is_secret_variable(name: str) -> bool:
    """Whether the values of a template variable are secrets, as its name tells."""
    return _is_named(name)


def secret_defaults(spec: QueueSpec) -> tuple[str, ...]:
    """The secrets among the defaults and choices of a queue's template variables: a launch has them
    wherever the fields are, also where no key tells of them.
    """
    return tuple(
        str(value)
        for name, one in spec.variables.items()
        for value in (one.default, *(one.enum or ()))
        if value is not None and _is_named(name) and _is_secret(name, str(value))
    )


def item_without_secrets(item: QueueItem) -> QueueItem:
    """A launch, of which all may be seen but what came from the queue's config."""
    return replace(item, resolved=without_queue_secrets(item.resolved)) if item.resolved else item


def without_queue_secrets(resolved: Json) -> dict[str, object]:
    """What a launch came to, with `…` for secrets of the queue's config; the run's own config and
    who made each choice stay as they are.
    """
    return {
        name: value if name in NOT_OF_THE_QUEUE else _hidden(value, name)
        for name, value in resolved.items()
    }


def hidden(values: Json) -> dict[str, object]:
    """Values with `…` for each text that is a secret by its name: a key, the name in a pair of
    `name` and `value`, or the one before `=`; and for the password in a URL.
    """
    return {name: _hidden(value, name) for name, value in values.items()}


def without_values(told: Json, secrets: Sequence[str]) -> dict[str, Any]:
    """Values with `…` for each of some *secrets*, wherever it or a part of it stands in a text or
    in a key below.
    """
    mask = Mask(secrets)

    def masked(value: Any) -> Any:
        if isinstance(value, Mapping):
            return _with_keys((mask(str(key)), masked(inner)) for key, inner in value.items())
        if isinstance(value, list | tuple):
            return [masked(inner) for inner in value]
        if isinstance(value, int | float) and str(value) in mask.forms:
            return HIDDEN
        return mask(value) if isinstance(value, str) else value

    return {key: masked(value) for key, value in told.items()} if mask.forms else dict(told)


def _with_keys(values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Keys that are the same when they are masked all stay."""
    found: dict[str, Any] = {}
    for name, value in values:
        key = name
        while key in found:
            key += HIDDEN
        found[key] = value
    return found


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


def hidden_words(words: Sequence[str]) -> list[str]:
    """The words of a command with `…` for each that is a secret by its name."""
    return [*map(str, _hidden_list(words, ""))]


def _without_values(name: str, variable: Variable) -> Variable:
    """A variable without a default and choices that are secrets. Who launches may still give one of
    the choices, which the queue compares with them.
    """
    choices = variable.enum or ()
    enum = variable.enum if all(_hidden(one, name) == one for one in choices) else None
    return replace(variable, default=_hidden(variable.default, name), enum=enum)


def _hidden(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        named = value.get("name")
        shown = {key: _hidden(inner, _teller(key, name)) for key, inner in value.items()}
        if isinstance(named, str) and "value" in value:
            shown["value"] = _hidden(value["value"], _teller(named, name))
        return shown
    if isinstance(value, list | tuple):
        return _hidden_list(value, name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return HIDDEN if _is_secret(name, str(value)) else value
    return _text(value, name) if isinstance(value, str) else value


def _teller(key: str, outer: str) -> str:
    """The name that tells what a value is: its key, or that of the mapping around it, whose keys
    are then names of secrets, such as `api_tokens: {github: …}`.
    """
    is_told = _SOUND.search(key) or says_elsewhere(key) or _PLAIN.search(key)
    return outer if _is_named(outer) and not is_told else key


def _hidden_list(values: Sequence[Any], name: str) -> list[Any]:
    shown, option = [], ""
    for value in values:
        is_option = isinstance(value, str) and value.startswith("-")
        shown.append(_hidden(value, name if is_option else option or name))
        option = value if is_option and _OPTION.fullmatch(value) and _is_named(value) else ""
    return shown


def _text(text: str, name: str) -> str:
    if _is_secret(name, text):
        return HIDDEN
    if assigned := _ASSIGNMENT.match(text):
        return f"{assigned[1]}={_text(text[assigned.end() :], assigned[1])}"
    text = _BEARER.sub(rf"\1{HIDDEN}", _URL.sub(_without_login, text))
    for pattern in (_QUOTED, _PAIR, _SPACED):
        text = pattern.sub(_without_value, text)
    return text


def _is_secret(name: str, value: str) -> bool:
    is_measure = _NUMBER.fullmatch(value) and _MEASURE.search(name)
    return bool(value and _SOUND.search(name) and not is_measure)


def says_elsewhere(name: str) -> bool:
    """Whether it is the name of what says where something is, such as a file."""
    return bool(_ELSEWHERE.search(name))


def _is_named(name: str) -> bool:
    return bool(_SOUND.search(name) and not says_elsewhere(name))


def _without_value(found: re.Match[str]) -> str:
    name, between, value = found.groups()
    is_secret = _is_named(name) and _is_secret(name, value)
    return f"{name}{between}{HIDDEN}" if is_secret else found[0]


def _without_login(found: re.Match[str]) -> str:
    scheme, rest = found.groups()
    user, _, password = rest.partition(":")
    if "@" in password and not {"/", "@"} & {*user} and not _PORT.match(password):
        return f"{scheme}://{user}:{HIDDEN}@{rest.rpartition('@')[2]}"
    host, slash, path = rest.partition("/")
    login, _, host = host.rpartition("@")
    if login and (":" in login or scheme.lower().endswith(("http", "https"))):
        return f"{scheme}://{HIDDEN}@{host}{slash}{path}"
    return found[0]
