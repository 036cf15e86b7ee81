"""How a run ended: written beside its root object, and read again."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from launchkit.codec import decode
from launchkit.errors import ConfigError, RunLost
from launchkit.model import RunState, RunStatus, Verdict, VerdictCode
from launchkit.runners.verdicts import status_of
from launchkit_kubernetes.manifest.build import MAIN, REQUEUE, STOP_GRACE, TTL
from launchkit_kubernetes.manifest.names import Ref
from launchkit_kubernetes.status.conditions import condition
from launchkit_kubernetes.status.custom import custom_status
from launchkit_kubernetes.status.job import job_status
from launchkit_kubernetes.status.pod import Pod
from launchkit_kubernetes.status.shape import items, mapping, text, words

END = "launchkit/end"
"""An annotation: how a run ended, as it was first seen. A kubelet that restarts may rewrite its
pods later."""
GRACE_SECONDS = 60
"""Of a run whose object does not tell it, or was gone before this agent saw it."""
LONGEST_GRACE = 86_400


def seen(ref: Ref, workload: Mapping[str, Any], pods: tuple[Pod, ...]) -> RunStatus:
    """What a root object and its pods tell of a run."""
    notes = annotations_of(workload)
    status_by = job_status if ref.api_version.startswith("batch/") else custom_status
    status = status_by(workload, pods, main=text(notes.get(MAIN)))
    return not_again(status) if text(notes.get(REQUEUE)) == "false" else status


def grace_of(workload: Mapping[str, Any]) -> int:
    """The seconds that its launch gives to what is left of it, whatever its pods have."""
    told = text(annotations_of(workload).get(STOP_GRACE))
    if not told.isdecimal() or len(told) > len(str(LONGEST_GRACE)):
        return GRACE_SECONDS
    return min(max(int(told), 1), LONGEST_GRACE)


LONGEST_TTL = (1 << 31) - 1
"""No Job can have more; who may change the object may write anything."""


def ttl_of(workload: Mapping[str, Any] | None) -> int:
    """For how many seconds an ended Job stays, as its queue's config tells; 0: it is removed."""
    told = text(annotations_of(workload or {}).get(TTL))
    seconds = int(told) if workload and is_finished(workload) and told.isdecimal() else 0
    return seconds if seconds <= LONGEST_TTL else 0


def annotations_of(workload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The annotations of an object."""
    return mapping(mapping(workload.get("metadata")).get("annotations"))


def is_deleted(workload: Mapping[str, Any]) -> bool:
    """Whether an object is to be removed, or is being so."""
    return mapping(workload.get("metadata")).get("deletionTimestamp") is not None


def is_finished(job: Mapping[str, Any]) -> bool:
    """Whether a Job is one that the cluster removes after its time."""
    return condition(job, "Complete", "Failed") is not None


def lost_node(why: str) -> RunStatus:
    """The end of a run whose node the cluster has lost sight of."""
    return status_of(
        Verdict(
            code=VerdictCode.NODE_LOST,
            summary=f"Its node was lost: {why}, and nothing is heard of it.",
            hint="it may still run there; look at the node, and remove the pod by force when it is"
            " certain that it does not",
        )
    )


def untold(ref: Ref) -> RunLost:
    """The error of a run whose root object is gone, and that nothing is remembered of."""
    return RunLost(
        f"the {ref.kind} {ref.name} in namespace {ref.namespace} is gone, and nothing tells how it"
        " ended",
        hint="was it deleted by hand, or removed by a ttlSecondsAfterFinished or a clean-up of"
        " the cluster before its end was seen?",
    )


def not_again(status: RunStatus) -> RunStatus:
    """The status of a run that its queue does not want to be started again."""
    if status.state is not RunState.PREEMPTED:
        return status
    return replace(status, state=RunState.FAILED)


def out_of_sight(pods: Sequence[Pod]) -> list[Pod]:
    """The pods that the cluster has lost sight of, if none beside them has started: those that are
    to be removed and have had their grace, and those of which nothing is known.
    """
    now = time.time()
    live = [pod for pod in pods if not pod.over]
    held = [pod for pod in live if pod.phase == "Unknown" or (pod.deleted and _due(pod, now))]
    others = [pod for pod in live if pod not in held and pod.started]
    return [] if others else held


def _due(pod: Pod, now: float) -> bool:
    return pod.ends_at is None or pod.ends_at < now


def still_there(pods: list[Pod]) -> str:
    """Which pods do not end, for people."""
    named = ", ".join(f"pod {pod.name} on node {pod.node or '?'}" for pod in pods[:5])
    return f"{named} does not end"


def held_by(ref: Ref, workload: Mapping[str, Any] | None) -> str:
    """Why a root object that was deleted is not gone, for people."""
    found = items(mapping((workload or {}).get("metadata")).get("finalizers"))
    named = ", ".join(map(words, found))
    why = f"finalizers {named} hold it" if named else "nothing says why"
    return f"the {ref.kind} {ref.name} is not removed: {why}"


def encoded(status: RunStatus) -> str:
    """An end as the text of the annotation."""
    verdict = status.verdict
    return json.dumps(
        {
            "state": status.state,
            "exit_code": status.exit_code,
            "message": status.message,
            "ran": status.ran,
            "verdict": verdict
            and {
                "code": verdict.code,
                "summary": verdict.summary,
                "evidence": [*verdict.evidence],
                "hint": verdict.hint,
            },
        }
    )


def stored_end(workload: Mapping[str, Any]) -> RunStatus | None:
    """The end that is kept beside an object; None if there is none, or it makes no sense."""
    found = annotations_of(workload).get(END)
    if not isinstance(found, str) or len(found) > 1 << 17:
        return None
    try:
        status = decode(RunStatus, json.loads(found))
    except (ValueError, ConfigError, RecursionError):
        return None
    return status if status.state.ended else None
