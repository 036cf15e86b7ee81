"""What the pods of one workload mean together."""

import re
from collections.abc import Sequence
from dataclasses import replace

from launchkit.model import RunState, RunStatus
from launchkit.plain_text import LINES
from launchkit_kubernetes.status import ending
from launchkit_kubernetes.status.pod import Pod, pod_status
from launchkit_kubernetes.status.shape import words

NO_PODS = "no pods yet"
_NAMES = re.compile(r"(?<![\w.-])[\w.-]*\w")
_LAST = "~"
"""Sorts after all times."""


def progress(pods: Sequence[Pod], *, main: str) -> RunStatus:
    """How far a workload is that has not ended: it runs when one of its pods does or did; and it
    has failed when one will never start, for none of them will.
    """
    seen = [(pod, pod_status(pod, main=main)) for pod in pods]
    doomed = (status for pod, status in seen if _doomed(pod, status, main))
    if (never := next(doomed, None)) is not None:
        return never
    waiting = [status for _, status in seen if status.state is RunState.STARTING]
    message = _wait_of(waiting, len(pods))
    if len(waiting) == len(pods):
        return RunStatus(state=RunState.STARTING, message=message or NO_PODS)
    told = (status.message for _, status in seen if status.state is RunState.RUNNING)
    return RunStatus(state=RunState.RUNNING, message=message or next(filter(None, told), None))


def blamed(
    pods: Sequence[Pod], *, main: str, said: str = "", nth: int = 0
) -> tuple[Pod, RunStatus] | None:
    """The pod by which a workload failed, and how that ended; None if none has failed.

    It is the one that is named in *said*, else the *nth* that failed: those that were removed count
    last, for a controller that gives up removes the others.
    """
    seen = [(pod, pod_status(pod, main=main)) for pod in pods]
    failed = [(pod, status) for pod, status in seen if _has_failed(status)]
    if not failed:
        ends = ((pod, ending.last_end(pod.main(main))) for pod in pods)
        return next(((pod, status) for pod, status in ends if status), None)
    failed.sort(key=lambda each: (each[0].deleted and not each[0].disruption, _end(each[0], main)))
    if (named := _named(failed, set(_NAMES.findall(said)))) is not None:
        return named
    kept = [each for each in failed if not each[0].deleted or each[0].disruption] or failed
    return kept[max(0, min(nth, len(kept) - 1))]


def with_evidence(status: RunStatus, said: str, pod: Pod, pods: Sequence[Pod]) -> RunStatus:
    """*status* with what the workload said, and which of several pods it is about."""
    if status.verdict is None:
        return status
    lines = [said, f"pod {words(pod.name)}" if len(pods) > 1 else ""]
    evidence = (*filter(None, lines), *status.verdict.evidence[-(LINES - len(lines)) :])
    return replace(status, verdict=replace(status.verdict, evidence=evidence))


def _named(
    failed: Sequence[tuple[Pod, RunStatus]], names: set[str]
) -> tuple[Pod, RunStatus] | None:
    """The first that is named, or else one whose Job is."""
    by_name = (each for each in failed if each[0].name in names)
    by_job = (each for each in failed if each[0].job in names)
    return next(by_name, None) or next(by_job, None)


def _has_failed(status: RunStatus) -> bool:
    return status.state in {RunState.FAILED, RunState.PREEMPTED}


def _doomed(pod: Pod, status: RunStatus, main: str) -> bool:
    container = pod.main(main)
    ended = container is not None and container.ended is not None
    return _has_failed(status) and not pod.over and not pod.deleted and not ended


def _wait_of(waiting: Sequence[RunStatus], pods: int) -> str | None:
    first = next((status.message for status in waiting if status.message), None)
    if first is None or pods < 2:
        return first
    wait = "waits" if len(waiting) == 1 else "wait"
    return f"{len(waiting)} of {pods} pods {wait}: {first}"


def _end(pod: Pod, main: str) -> str:
    container = pod.main(main)
    return container.ended.at or _LAST if container and container.ended else _LAST
