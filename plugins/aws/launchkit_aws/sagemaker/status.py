"""What a training job's description means."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from launchkit.model import RunState, RunStatus, Verdict, VerdictCode
from launchkit.plain_text import shortened
from launchkit.runners.verdicts import lasted, status_of
from launchkit_aws.sagemaker.failures import failure

STARTING = frozenset({
    "Starting", "Pending", "LaunchingMLInstances", "PreparingTrainingStack", "Downloading",
    "DownloadingTrainingImage",
})  # fmt: skip
"""Secondary statuses before the program begins."""
WAITING = frozenset({"Starting", "Pending", "LaunchingMLInstances"})
"""Those in which it may wait for instances."""
_CAPACITY = re.compile(r"insufficient capacity|capacity ?error|no capacity|retrying", re.IGNORECASE)
SHOWN = 300
"""Letters of AWS's own words that are told."""


@dataclass(frozen=True, kw_only=True)
class Stop:
    """That somebody has told launchkit to stop it, as a tag of the job has it."""

    by: str
    """The agent."""


def is_over(told: Mapping[str, Any]) -> bool:
    """Whether a job has ended."""
    return told.get("TrainingJobStatus") in {"Completed", "Failed", "Stopped", "Deleting"}


def is_stopped(told: Mapping[str, Any]) -> bool:
    """Whether a job was ended from outside, so that its tags tell more."""
    return told.get("TrainingJobStatus") == "Stopped"


def status(told: Mapping[str, Any], stop: Stop | None = None) -> RunStatus:
    """The status of a run, whose job is described so."""
    found = _status(told, stop)
    return replace(found, ran=_ran(told)) if found.state.ended else found


def _ran(told: Mapping[str, Any]) -> float | None:
    """The seconds from when its program could begin to the job's end, by AWS's clock."""
    ended = told.get("TrainingEndTime")
    return lasted(
        _entered(told, after=STARTING), ended.timestamp() if isinstance(ended, datetime) else None
    )


def _status(told: Mapping[str, Any], stop: Stop | None) -> RunStatus:
    main = told.get("TrainingJobStatus")
    if main == "Completed":
        verdict = Verdict(code=VerdictCode.OK, summary="The training job is completed.")
        return status_of(verdict, 0)
    if main == "Failed":
        return failure(_text(told, "FailureReason"))
    if main in {"Stopped", "Deleting"}:
        return _stopped(told, stop)
    if main == "Stopping":
        return RunStatus(state=RunState.RUNNING, message=_stopping(told))
    return _under_way(told)


def _under_way(told: Mapping[str, Any]) -> RunStatus:
    secondary = _text(told, "SecondaryStatus")
    said = _last_words(told)
    began = _has_trained(told)
    message = _phrase(secondary, said)
    if secondary == "Interrupted":
        message = f"interrupted: its spot instance was taken away; waits for another{_tail(said)}"
    if secondary not in STARTING or began:
        return RunStatus(state=RunState.RUNNING, message=message)
    waits = secondary == "Pending" or (
        secondary in WAITING and bool(said) and _CAPACITY.search(said) is not None
    )
    made = RunStatus(state=RunState.STARTING, message=message, placed=not waits)
    placed_at = _entered(told, after=WAITING)
    return replace(made, placed_at=placed_at) if placed_at is not None else made


def _stopping(told: Mapping[str, Any]) -> str:
    since = _entered(told, only="Stopping")
    when = f" since {datetime.fromtimestamp(since, UTC):%Y-%m-%d %H:%M:%S} UTC" if since else ""
    return f"stopping{when}{_tail(_last_words(told))}"


def _stopped(told: Mapping[str, Any], stop: Stop | None) -> RunStatus:
    """The secondary status tells a limit of time from a person's stop."""
    secondary = _text(told, "SecondaryStatus")
    limits = told.get("StoppingCondition") or {}
    if secondary == "MaxRuntimeExceeded":
        limit = limits.get("MaxRuntimeInSeconds")
        summary = f"It ran longer than StoppingCondition.MaxRuntimeInSeconds{_seconds(limit)}."
        return _timed_out(summary, "raise MaxRuntimeInSeconds in the queue config")
    if secondary == "MaxWaitTimeExceeded":
        limit = limits.get("MaxWaitTimeInSeconds")
        summary = (
            f"With all waiting for spot instances it took longer than"
            f" StoppingCondition.MaxWaitTimeInSeconds{_seconds(limit)}."
        )
        return _timed_out(summary, "raise MaxWaitTimeInSeconds, or do without spot instances")
    if secondary == "Interrupted":
        summary = "Its spot instance was taken away."
        return status_of(Verdict(code=VerdictCode.PREEMPTED, summary=summary))
    by = "launchkit" if stop else "somebody else than launchkit, such as in AWS's console"
    summary = f"It was stopped by {by}."
    return status_of(Verdict(code=VerdictCode.STOPPED, summary=summary))


def _timed_out(summary: str, hint: str) -> RunStatus:
    return status_of(Verdict(code=VerdictCode.RUN_TIMEOUT, summary=summary, hint=hint))


def _seconds(limit: object) -> str:
    return f", {limit} s" if isinstance(limit, int) else ""


def _phrase(secondary: str, said: str) -> str:
    return f"{secondary}{_tail(said)}" if secondary else said


def _tail(said: str) -> str:
    return f": {said}" if said else ""


def _transitions(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = told.get("SecondaryStatusTransitions")
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _last_words(told: Mapping[str, Any]) -> str:
    steps = _transitions(told)
    return _text(steps[-1], "StatusMessage") if steps else ""


def _has_trained(told: Mapping[str, Any]) -> bool:
    """Whether its program has run before, on an instance that was taken away."""
    return any(one.get("Status") in {"Training", "Interrupted"} for one in _transitions(told))


def _entered(
    told: Mapping[str, Any], *, only: str | None = None, after: frozenset[str] = frozenset()
) -> float | None:
    """The Unix time of the first step of a kind."""
    for step in _transitions(told):
        name, began = step.get("Status"), step.get("StartTime")
        fits = name == only if only else name not in after
        if fits and isinstance(began, datetime):
            return began.timestamp()
    return None


def _text(told: Mapping[str, Any], key: str) -> str:
    found = told.get(key)
    return shortened(found.strip(), SHOWN * 3) if isinstance(found, str) else ""
