"""A custom resource: what it says of itself is looked up in tables, then its pods are asked."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

from launchkit.model import RunState, RunStatus, Verdict, VerdictCode
from launchkit.runners import verdicts
from launchkit.runners.verdicts import of_exit
from launchkit_kubernetes.status import ending
from launchkit_kubernetes.status.conditions import conditions
from launchkit_kubernetes.status.pod import Pod
from launchkit_kubernetes.status.shape import items, mapping, number, text, told, words
from launchkit_kubernetes.status.workload import blamed, progress, with_evidence


class Meaning(IntEnum):
    """What a word says; of several that an object says at once, the first of these holds. Some
    kinds are `Completed` also when they have failed.
    """

    FAILED = 1
    PREEMPTED = 2
    STOPPED = 3
    FINISHED = 4
    SUSPENDED = 5
    RUNNING = 6
    STARTING = 7


def _table(words_of: Mapping[Meaning, str]) -> Mapping[str, Meaning]:
    return {word: meaning for meaning, several in words_of.items() for word in several.split()}


CONDITIONS = _table(
    {
        Meaning.FAILED: "failed",
        Meaning.FINISHED: "succeeded complete completed finished",
        Meaning.SUSPENDED: "suspended paused queuing queued",
        Meaning.RUNNING: "running restarting",
        Meaning.STARTING: "created pending scheduled initializing",
    }
)
"""What types of conditions mean: of Kubeflow's kinds, JobSet, MPIJob, AppWrapper and their like."""
PHASES = _table(
    {
        Meaning.FAILED: "failed failure error errored aborted timeout timedout terminated",
        Meaning.PREEMPTED: "preempted evicted",
        Meaning.STOPPED: "stopped cancelled canceled",
        Meaning.FINISHED: "succeeded complete completed finished success done",
        Meaning.SUSPENDED: "suspended suspending paused queued inqueue",
        Meaning.RUNNING: (
            "running restarting retrying completing terminating stopping aborting active started"
            " succeeding failing pendingrerun submissionfailed"
        ),
        Meaning.STARTING: (
            "created creating pending starting initializing new submitted scheduling scheduled"
            " waiting preparing provisioning launching"
        ),
    }
)
"""What phases mean: of Volcano, Spark, Argo, and whoever writes `phase` or `state`."""
SUSPENDED = "suspended"
RAY_STARTING = frozenset({"initializing", "waiting", "scheduling", "scheduled"})
_PATHS = (
    ("terminalState",),
    ("state", "phase"),
    ("state", "state"),
    ("applicationState", "state"),
    ("phase",),
    ("state",),
    ("status",),
)
"""Where in `status` a phase may stand; what explains it stands beside it."""
_EXPLAINED = ("message", "errorMessage")
_TAKEN_AWAY = re.compile(r"evicted|preempted", re.IGNORECASE)
_FAILURES: Mapping[str, VerdictCode] = {
    "SubmissionFailed": VerdictCode.SUBMIT_FAILED,
    "TrainingRuntimeNotSupported": VerdictCode.CONFIG_ERROR,
}
_OTHER_THAN_LETTERS = re.compile(r"[^a-z]")


@dataclass(frozen=True)
class Said:
    """One thing that an object says of itself."""

    meaning: Meaning
    reason: str = ""
    message: str = ""
    word: str = ""

    @property
    def told(self) -> str:
        """It, for people."""
        return told(self.reason, self.message) or words(self.word)


def custom_status(obj: Mapping[str, Any], pods: Sequence[Pod], *, main: str) -> RunStatus:
    """What a custom resource and those of its pods that are known mean for its run."""
    obj = mapping(obj)
    said = min(_all_said(obj), key=lambda each: each.meaning, default=None)
    if said is None:
        return progress(pods, main=main)
    if said.meaning <= Meaning.FINISHED:
        return _ended(said, words(obj.get("kind")) or "workload", pods, main)
    if said.meaning is Meaning.SUSPENDED:
        return RunStatus(state=RunState.STARTING, message=_suspended(said))
    return _under_way(said, pods, main)


def _under_way(said: Said, pods: Sequence[Pod], main: str) -> RunStatus:
    """It says that it runs, or that it will; its pods know more."""
    status = progress(pods, main=main)
    if status.state.ended:
        return status
    if not pods:
        status = replace(status, message=said.told)
    if said.meaning is Meaning.RUNNING or status.state is RunState.RUNNING:
        message = None if status.message == said.told and _is_plain(said) else status.message
        return RunStatus(state=RunState.RUNNING, message=message)
    return status


def _suspended(said: Said) -> str:
    return SUSPENDED if _plain(said.told) == SUSPENDED else f"{SUSPENDED}: {said.told}"


def _is_plain(said: Said) -> bool:
    """Whether it says nothing but that all is well."""
    return _plain(said.word) in {"running", "active"}


def _ended(said: Said, kind: str, pods: Sequence[Pod], main: str) -> RunStatus:
    if said.meaning is Meaning.FINISHED:
        return verdicts.status_of(of_exit(0, what=kind), 0)
    if said.meaning is Meaning.STOPPED:
        summary = f"The {kind} was stopped: {said.told}"
        return verdicts.status_of(Verdict(code=VerdictCode.STOPPED, summary=summary))
    return _failed(said, kind, pods, main)


def _failed(said: Said, kind: str, pods: Sequence[Pod], main: str) -> RunStatus:
    if said.reason == "DeadlineExceeded":
        return ending.too_long(said.told)
    found = blamed(pods, main=main, said=said.message)
    if found is not None:
        pod, status = found
        return with_evidence(status, said.told, pod, pods)
    if said.meaning is Meaning.PREEMPTED or _TAKEN_AWAY.search(said.reason):
        summary = f"The cluster took the place of the {kind} away: {said.told}"
        return ending.preempted(Verdict(code=VerdictCode.PREEMPTED, summary=summary))
    verdict = Verdict(
        code=_FAILURES.get(said.reason, VerdictCode.FAILED),
        summary=f"The {kind} failed: {said.told}",
        hint=None if pods else "its pods are gone, and with them how they ended",
    )
    return verdicts.status_of(verdict)


def _all_said(obj: Mapping[str, Any]) -> Iterator[Said]:
    for each in conditions(obj):
        meaning = CONDITIONS.get(_plain(each.type))
        if meaning is not None:
            yield Said(meaning, each.reason, each.message, each.type)
    status = mapping(obj.get("status"))
    yield from _phases(status)
    yield from _ray(status)
    yield from _inner_jobs(status)
    spec = mapping(obj.get("spec"))
    if True in (spec.get("suspend"), mapping(spec.get("runPolicy")).get("suspend")):
        yield Said(Meaning.SUSPENDED, word=SUSPENDED)


def _phases(status: Mapping[str, Any]) -> Iterator[Said]:
    for *path, last in _PATHS:
        place = status
        for key in path:
            place = mapping(place.get(key))
        word = text(place.get(last))
        meaning = PHASES.get(_plain(word))
        if meaning is not None:
            message = next(filter(None, (text(place.get(key)) for key in _EXPLAINED)), "")
            yield Said(meaning, text(place.get("reason")), message, word)


def _ray(status: Mapping[str, Any]) -> Iterator[Said]:
    """A RayJob: its deployment decides, for that tries again; then the job inside it."""
    deployment, job = text(status.get("jobDeploymentStatus")), text(status.get("jobStatus"))
    outer, inner = PHASES.get(_plain(deployment)), PHASES.get(_plain(job))
    if not deployment and not job:
        return
    message, reason = text(status.get("message")), text(status.get("reason"))
    if outer in {Meaning.FAILED, Meaning.SUSPENDED} or _plain(deployment) == "retrying":
        yield Said(outer or Meaning.RUNNING, reason, message, deployment)
    elif _plain(deployment) in RAY_STARTING:
        yield Said(Meaning.STARTING, reason, message, deployment)
    else:
        yield Said(inner or outer or Meaning.STARTING, reason, message, job or deployment)


def _inner_jobs(status: Mapping[str, Any]) -> Iterator[Said]:
    """A JobSet or a TrainJob: counts of the Jobs inside it."""
    for key in ("replicatedJobsStatus", "jobsStatus"):
        for inner in map(mapping, items(status.get(key))):
            if number(inner.get("ready")) > 0 or number(inner.get("succeeded")) > 0:
                yield Said(Meaning.RUNNING, word="running")


def _plain(word: str) -> str:
    return _OTHER_THAN_LETTERS.sub("", word.lower())
