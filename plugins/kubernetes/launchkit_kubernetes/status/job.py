"""A Job: its condition decides, then the main container of its pods."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from launchkit.model import RunState, RunStatus, Verdict, VerdictCode
from launchkit.runners import verdicts
from launchkit.runners.verdicts import of_exit
from launchkit_kubernetes.status import ending
from launchkit_kubernetes.status.conditions import Condition, condition
from launchkit_kubernetes.status.pod import Pod, pod_status
from launchkit_kubernetes.status.shape import items, mapping, moment, number, text, whole
from launchkit_kubernetes.status.workload import blamed, progress, with_evidence

RETRIES = 6
"""How often a Job tries again that does not say it."""
SUSPENDED = "suspended"
DEADLINE = "DeadlineExceeded"


def job_status(job: Mapping[str, Any], pods: Sequence[Pod], *, main: str) -> RunStatus:
    """What a Job and those of its pods that are known mean for its run."""
    job = mapping(job)
    status = _status(job, pods, main)
    return replace(status, ran=_ran(job, pods, main)) if status.state.ended else status


def _status(job: Mapping[str, Any], pods: Sequence[Pod], main: str) -> RunStatus:
    if condition(job, "Complete"):
        return verdicts.status_of(of_exit(0, what="Job"), 0)
    if (failed := condition(job, "Failed")) is not None:
        return _failed(job, failed, pods, main)
    if (waits := _suspended(job)) is not None:
        return RunStatus(state=RunState.STARTING, message=waits)
    if (held := _held(job, pods, main)) is not None:
        return held
    return _under_way(job, pods, main)


def _ran(job: Mapping[str, Any], pods: Sequence[Pod], main: str) -> float | None:
    """For how many seconds the main container of a Job ran that has ended; None if there were
    several of them, or it is not told.
    """
    counts = mapping(job.get("status"))
    tries = sum(number(counts.get(key)) for key in ("succeeded", "failed"))
    container = pods[0].main(main) if len(pods) == 1 and tries <= 1 else None
    if container is None or container.ended is None or container.restarts:
        return None
    return verdicts.lasted(moment(container.ended.began), moment(container.ended.at))


def _suspended(job: Mapping[str, Any]) -> str | None:
    """Why a Job is not to run for now; None if it is."""
    said = condition(job, "Suspended")
    if said is not None:
        return f"suspended: {said.told}" if said.told else SUSPENDED
    return SUSPENDED if mapping(job.get("spec")).get("suspend") is True else None


def _under_way(job: Mapping[str, Any], pods: Sequence[Pod], main: str) -> RunStatus:
    status = progress(pods, main=main)
    if status.state.ended:
        return status
    if (soon := condition(job, "FailureTarget", "SuccessCriteriaMet")) is not None:
        return RunStatus(state=RunState.RUNNING, message=f"the Job is ending: {soon.told}")
    counts = mapping(job.get("status"))
    if status.state is RunState.STARTING:
        began = any(number(counts.get(key)) > 0 for key in ("succeeded", "failed", "ready"))
        return replace(status, state=RunState.RUNNING) if began else status
    failed = max(number(counts.get("failed")), _count(pods, "Failed"))
    if status.message is None and failed > 0:
        what = "1 pod has failed" if failed == 1 else f"{failed} pods have failed"
        return replace(status, message=f"{what}, and the Job goes on")
    return status


def _failed(job: Mapping[str, Any], failed: Condition, pods: Sequence[Pod], main: str) -> RunStatus:
    if failed.reason == DEADLINE:
        return ending.too_long(failed.told)
    candidates = [pod for pod in pods if not (_forgives(job) and pod.disruption)] or pods
    found = blamed(candidates, main=main, said=failed.message, nth=_retries(job))
    if found is None:
        return _by_itself(failed, pods)
    pod, status = found
    if _removed(job, pod, status):
        summary = "Its pod was removed while it ran, and not by its Job."
        hint = "was its machine drained, or the pod deleted by hand?"
        verdict = Verdict(code=VerdictCode.PREEMPTED, summary=summary, hint=hint)
        status = replace(ending.preempted(verdict), exit_code=status.exit_code)
    return with_evidence(status, failed.told, pod, pods)


def _by_itself(failed: Condition, pods: Sequence[Pod]) -> RunStatus:
    """The end of a Job none of whose main containers is known to have failed."""
    ended = [each for pod in pods if pod.phase == "Failed" for each in pod.containers if each.ended]
    culprit = next((each for each in ended if each.ended and each.ended.code), None)
    if culprit is not None and culprit.ended is not None:
        verdict = of_exit(culprit.ended.code, what=culprit.title, evidence=(failed.told,))
        return verdicts.status_of(verdict, culprit.ended.code)
    verdict = Verdict(
        code=VerdictCode.FAILED,
        summary=f"The Job failed: {failed.told}" if failed.told else "The Job failed.",
        hint=None if pods else "its pods are gone, and with them how they ended",
    )
    return verdicts.status_of(verdict)


def _held(job: Mapping[str, Any], pods: Sequence[Pod], main: str) -> RunStatus | None:
    """The end of a Job that cannot end by itself, for sidecars run on beside main containers that
    have ended; None if it has not ended.
    """
    seen = [(pod, pod_status(pod, main=main)) for pod in pods if _is_held(pod, main)]
    well = [pod for pod, status in seen if status.state is RunState.FINISHED]
    badly = [(pod, status) for pod, status in seen if status.state is RunState.FAILED]
    counts, wanted = mapping(job.get("status")), _completions(job)
    done = len(well) + max(number(counts.get("succeeded")), _count(pods, "Succeeded"))
    over = all(pod.over or _is_held(pod, main) for pod in pods)
    if well and (done >= wanted if wanted is not None else over):
        return verdicts.status_of(of_exit(0, what="container"), 0)
    failed = len(badly) + max(number(counts.get("failed")), _count(pods, "Failed"))
    if badly and not _has_rules(job) and failed > _retries(job):
        pod, status = badly[0]
        return with_evidence(status, "", pod, pods)
    return None


def _is_held(pod: Pod, main: str) -> bool:
    """Whether the main container of a pod has ended, and another one runs on."""
    container = pod.main(main)
    ended = container is not None and container.ended is not None
    return ended and not pod.over and any(c.running for c in pod.containers if c.role == "app")


def _removed(job: Mapping[str, Any], pod: Pod, status: RunStatus) -> bool:
    """Whether somebody else than the Job, or who removes it, removed a pod while it ran."""
    killed = status.verdict is not None and status.verdict.code == VerdictCode.KILLED_BY_SIGNAL
    return killed and pod.deleted and mapping(job.get("metadata")).get("deletionTimestamp") is None


def _retries(job: Mapping[str, Any]) -> int:
    found = whole(mapping(job.get("spec")).get("backoffLimit"))
    return RETRIES if found is None else max(0, found)


def _completions(job: Mapping[str, Any]) -> int | None:
    """How many pods must end well; None if one must, and all others end."""
    spec = mapping(job.get("spec"))
    found, beside = whole(spec.get("completions")), whole(spec.get("parallelism"))
    return 1 if found is None and beside in {None, 1} else found


def _has_rules(job: Mapping[str, Any]) -> bool:
    """Whether which failures count is the Job's own business."""
    spec = mapping(job.get("spec"))
    return bool(spec.get("podFailurePolicy")) or whole(spec.get("backoffLimitPerIndex")) is not None


def _forgives(job: Mapping[str, Any]) -> bool:
    """Whether the Job does not count pods whose place was taken away."""
    policy = mapping(mapping(job.get("spec")).get("podFailurePolicy"))
    for rule in map(mapping, items(policy.get("rules"))):
        patterns = map(mapping, items(rule.get("onPodConditions")))
        about = any(text(pattern.get("type")) == "DisruptionTarget" for pattern in patterns)
        if about and rule.get("action") == "Ignore":
            return True
    return False


def _count(pods: Sequence[Pod], phase: str) -> int:
    return sum(pod.phase == phase for pod in pods)
