"""What a queue config holds that only its operators may read, told by the names of its keys."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from launchkit.model import ItemReport, Json, QueueItem, QueueSpec, Verdict

HIDDEN = "…"
SHORTEST = 4
"""Characters of a secret; what is shorter stands in other texts too."""
NOT_OF_THE_QUEUE = frozenset({"config", "env", "origins"})
_SOUND = re.compile(
    r"passw(or)?d|passphrase|secret|token(?!i[sz])|credential"
    r"|(api|access|account|private|signing|encryption|license)[_-]?key",
    re.IGNORECASE,
)
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]{0,200})=")
_LOGIN = re.compile(r"(://[^\s:/@]{0,200}):[^\s/@]{1,500}@")


def without_secrets(spec: QueueSpec) -> QueueSpec:
    """A queue as those who are not its operators see it."""
    return replace(spec, config=hidden(spec.config))


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
    """Values with `…` for each of some *secrets*, wherever one stands in a text."""
    known = sorted({str.__str__(one) for one in secrets if len(one) >= SHORTEST}, key=len)
    if not known:
        return dict(told)
    pattern = re.compile("|".join(map(re.escape, reversed(known))))

    def masked(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: masked(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [masked(inner) for inner in value]
        return pattern.sub(HIDDEN, value) if isinstance(value, str) else value

    return {key: masked(value) for key, value in told.items()}


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


def _hidden(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        named = value.get("name")
        if isinstance(named, str) and _SOUND.search(named) and isinstance(value.get("value"), str):
            value = {**value, "value": HIDDEN}
        return hidden(value)
    if isinstance(value, list | tuple):
        return [_hidden(one, name) for one in value]
    if not isinstance(value, str):
        return value
    if assigned := _ASSIGNMENT.match(value):
        return f"{assigned[1]}={_text(value[assigned.end() :], assigned[1])}"
    return _text(value, name)


def _text(text: str, name: str) -> str:
    if text and _SOUND.search(name):
        return HIDDEN
    return _LOGIN.sub(rf"\1:{HIDDEN}@", text)
