"""How a pod ended, and who is to blame: its program, its config, or the infrastructure."""

import re
import signal
from collections.abc import Mapping
from typing import TYPE_CHECKING

from launchkit.model import RunState, RunStatus, Verdict, VerdictCode
from launchkit.runners import verdicts
from launchkit.runners.verdicts import of_exit
from launchkit_kubernetes.status import waiting
from launchkit_kubernetes.status.container import Container, Ended
from launchkit_kubernetes.status.shape import lines, moment, told, words

if TYPE_CHECKING:
    from launchkit_kubernetes.status.pod import Pod

OOM_KILLED = "OOMKilled"
LOST = frozenset({"ContainerStatusUnknown", "Unknown", "NodeLost"})
"""Why a container or a pod has ended of which its machine lost sight."""
SHUT_DOWN = frozenset({"NodeShutdown", "Shutdown", "Terminated"})
"""Why a pod has ended whose machine was shut down, in the words of kubelets old and new."""
NODE_GONE = frozenset({"DeletionByTaintManager", "DeletionByPodGC"})
"""Why a pod is disrupted whose machine does not answer, or is no more."""
REFUSED = re.compile(
    r"OutOf\S+|NodeAffinity|NodeName|NodePorts|NodeUnschedulable|NodeResourcesFit|TaintToleration"
    r"|UnexpectedAdmissionError|UnexpectedPredicateFailureType|TopologyAffinityError"
    r"|InvalidNodeInfo|UnknownReason|PodOS\w+|PredicateException|\w+NotSupported"
)
"""Why a machine did not take a pod that was given to it."""
FORBIDDEN = frozenset({"SysctlForbidden", "AppArmor", "InitContainersRestartPolicyForbidden"})
"""Why no machine of this config will take a pod."""
_NODE_SHORT = re.compile(r"node was low on resource|node had condition", re.IGNORECASE)
"""Of an evicted pod: that its machine was short of something, not that it used more than it may."""
KILLED = frozenset({128 + signal.SIGTERM, 128 + signal.SIGKILL})
CLOCKS_DIFFER = 5.0
"""Seconds by which the clocks of machines may differ."""
_HINTS: Mapping[str, str] = {
    VerdictCode.NODE_LOST: "look at the machine; was it taken away, restarted, or cut off?",
    VerdictCode.NODE_REFUSED: "look at the machine and its device plugins",
    VerdictCode.PREEMPTED: "launch it with a higher priority class, or where this is rarer",
}


def status_of(pod: "Pod", main: Container | None) -> RunStatus | None:
    """How a pod ended, of which *main* decides; None if it has not."""
    ended = main.ended if main else None
    if pod.phase == "Succeeded":
        return _well("pod" if ended is None else "container")
    if pod.phase == "Failed":
        return _failed(pod, main)
    if main is None or ended is None or pod.restarted_always or ended.reason in LOST:
        return None
    if _is_disrupted(pod, ended):
        return _taken_away(pod) if ended.code != 0 else None  # its phase will say it
    if ended.code == 0:
        return _well("container")
    return None if pod.restarted and not pod.deleted else _by_container(main, ended)


def never_starts(pod: "Pod") -> RunStatus | None:
    """The end of a pod one of whose containers will never run; None if all may."""
    found = (waiting.never_starts(each, restarted=pod.restarted) for each in pod.containers)
    verdict = next(filter(None, found), None)
    return verdicts.status_of(verdict) if verdict else None


def last_end(main: Container | None) -> RunStatus | None:
    """How a container ended badly the last time, that was started again and is no more."""
    if main is None or main.before is None or main.before.code == 0:
        return None
    return _by_container(main, main.before)


def _well(what: str) -> RunStatus:
    return verdicts.status_of(of_exit(0, what=what), 0)


def _failed(pod: "Pod", main: Container | None) -> RunStatus:
    """What a pod means whose phase is `Failed`: a kubelet that restarts may write reasons over a
    pod whose program has ended, and who takes a place away also ends what stands beside it.
    """
    ended = main.ended if main else None
    if ended is not None and ended.code == 0 and not _ended_from_outside(pod, ended):
        return _well("container")
    if (by_infrastructure := _by_infrastructure(pod, ended)) is not None:
        return by_infrastructure
    if (verdict := _by_kubelet(pod)) is not None:
        return verdicts.status_of(verdict, ended.code if ended else None)
    if (culprit := _culprit(pod, main)) is not None:
        return _by_container(*culprit)
    summary = told(pod.reason, pod.message) or "The pod failed; the cluster does not say why."
    return verdicts.status_of(Verdict(code=VerdictCode.FAILED, summary=summary))


def _by_kubelet(pod: "Pod") -> Verdict | None:
    """The verdict on a pod that its machine ended for what it did, or for what it asked."""
    if pod.reason == "DeadlineExceeded":
        return _too_long(told(pod.reason, pod.message))
    if pod.reason == "Evicted":
        return _evicted(pod)
    return _forbidden(pod) if pod.reason in FORBIDDEN else None


def _by_infrastructure(pod: "Pod", ended: Ended | None) -> RunStatus | None:
    """The end of a pod that its own program did not bring about."""
    disrupted = _is_disrupted(pod, ended)
    if pod.reason == "Evicted" and not disrupted and not _NODE_SHORT.search(pod.message):
        return None
    if ended is None and not disrupted and REFUSED.fullmatch(pod.reason):
        return _taken(VerdictCode.NODE_REFUSED, "The machine did not take it", pod)
    out_of_sight = ended is not None and ended.reason in LOST
    if disrupted or out_of_sight or pod.reason in {"Preempting", "Evicted"}:
        return _taken_away(pod)
    return _taken_away(pod) if pod.reason in SHUT_DOWN | LOST else None


def _taken_away(pod: "Pod") -> RunStatus:
    why = pod.disruption.reason if pod.disruption else ""
    if pod.reason in SHUT_DOWN:
        return _taken(VerdictCode.NODE_LOST, "Its machine was shut down", pod)
    if why in NODE_GONE or pod.reason in LOST or not (why or pod.reason):
        return _taken(VerdictCode.NODE_LOST, "Its machine was lost", pod)
    return _taken(VerdictCode.PREEMPTED, "The cluster took its place away", pod)


def _taken(code: VerdictCode, what: str, pod: "Pod") -> RunStatus:
    said = told(pod.reason, pod.message) or (pod.disruption.told if pod.disruption else "")
    summary = f"{what}: {said}" if said else f"{what}."
    return preempted(Verdict(code=code, summary=summary, hint=_HINTS[code]))


def preempted(verdict: Verdict) -> RunStatus:
    """The end of a run that may run again, for it is not to blame."""
    return RunStatus(state=RunState.PREEMPTED, message=verdict.summary, verdict=verdict)


def _ended_from_outside(pod: "Pod", ended: Ended) -> bool:
    """Whether a pod was told to end: a program may end well when it is."""
    by_kubelet = bool(pod.reason and not REFUSED.fullmatch(pod.reason))
    return by_kubelet or _is_disrupted(pod, ended)


def _is_disrupted(pod: "Pod", ended: Ended | None) -> bool:
    """Whether the cluster took the place of a pod away, and not only after its program had ended
    by itself.
    """
    if pod.disruption is None:
        return False
    if ended is None or ended.code in KILLED:
        return True
    end, since = moment(ended.at), moment(pod.disruption.since)
    return end is None or since is None or end > since - CLOCKS_DIFFER


def _culprit(pod: "Pod", main: Container | None) -> tuple[Container, Ended] | None:
    """Which container of a failed pod decides, and how it ended."""
    if main is not None and main.ended is not None and main.ended.code != 0:
        return main, main.ended
    init = [each for each in pod.containers if each.role == "init"]
    others = [each for each in pod.containers if each.role == "app"]
    for each in (*init, *others):
        if each.ended is not None and each.ended.code != 0:
            return each, each.ended
    return None


def _by_container(container: Container, ended: Ended) -> RunStatus:
    verdict = waiting.not_started(container, ended)
    if verdict is None and container.role == "init":
        verdict = _setup_failed(container, ended)
    if verdict is None:
        verdict = of_exit(
            ended.code,
            what=container.title if container.role == "sidecar" else "container",
            out_of_memory=ended.reason == OOM_KILLED,
            evidence=lines(ended.message),
        )
    return verdicts.status_of(verdict, ended.code)


def _setup_failed(container: Container, ended: Ended) -> Verdict:
    inner = of_exit(ended.code, what=container.title, out_of_memory=ended.reason == OOM_KILLED)
    return Verdict(
        code=VerdictCode.SETUP_FAILED,
        summary=inner.summary,
        evidence=lines(ended.message),
        hint=inner.hint or f"read the log of {container.title}; the run itself was not started",
    )


def _too_long(said: str) -> Verdict:
    return Verdict(
        code=VerdictCode.RUN_TIMEOUT,
        summary=f"It ran longer than it may: {said}",
        hint="raise activeDeadlineSeconds in the queue config",
    )


def too_long(said: str) -> RunStatus:
    """The end of a run that the cluster ended because of its deadline."""
    return verdicts.status_of(_too_long(said))


def _evicted(pod: "Pod") -> Verdict:
    return Verdict(
        code=VerdictCode.EVICTED,
        summary=f"It was evicted: {words(pod.message) or 'it used more than it may'}",
        hint="raise the limit of ephemeral-storage in the queue config, or let it write less",
    )


def _forbidden(pod: "Pod") -> Verdict:
    return Verdict(
        code=VerdictCode.CONFIG_ERROR,
        summary=f"The machine does not allow this pod: {told(pod.reason, pod.message)}",
        hint="correct the queue config, or choose machines that allow it",
    )
