"""A pod: what is known of it, decoded once, and what that means for its run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from launchkit.model import RunState, RunStatus
from launchkit.runners.identity import EXACT, KUBERNETES
from launchkit_kubernetes.status import ending, waiting
from launchkit_kubernetes.status.conditions import Condition, condition, conditions
from launchkit_kubernetes.status.container import Container, containers
from launchkit_kubernetes.status.owner import Owner, controller
from launchkit_kubernetes.status.shape import mapping, moment, text, told, whole, words

JOB_LABELS = ("batch.kubernetes.io/job-name", "job-name")
CLAIM_LABELS = ("batch.kubernetes.io/controller-uid", "controller-uid")
TELLING = tuple(KUBERNETES.keys[name] for name in EXACT)
"""The labels that tell run, launch and attempt as they are."""
OVER = frozenset({"Succeeded", "Failed"})
EVICTED_BY_VOLCANO = "Evict"
NO_PLACE = "not scheduled yet"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pod:
    """A pod at the time of a look."""

    name: str
    uid: str = ""
    node: str = ""
    phase: str = ""
    """`Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`."""
    reason: str = ""
    """Why it is in its phase, in one word."""
    message: str = ""
    scheduled: bool = False
    scheduled_at: float | None = None
    """Unix time at which it got its node."""
    scheduling: Condition | None = None
    """What its scheduler says of it while it has no place."""
    disruption: Condition | None = None
    """Why the infrastructure takes its place away."""
    deleted: bool = False
    """Whether it is to be removed, or is being so."""
    ends_at: float | None = None
    """Unix time at which the grace of one that is to be removed is over."""
    grace: int | None = None
    """The seconds that one has which is to be removed; None: none, or very many."""
    restarted: bool = False
    """Whether its containers are started again when they end badly."""
    restarted_always: bool = False
    containers: tuple[Container, ...] = ()
    job: str = ""
    """The name of the Job whose label it has."""
    claim: str = ""
    """The uid of that Job, as another label tells."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Those that tell whose it is."""
    controller: Owner | None = None

    @classmethod
    def of(cls, obj: Mapping[str, Any]) -> "Pod":
        """Decode a pod, whatever it lacks."""
        obj = mapping(obj)
        metadata, spec, status = (mapping(obj.get(key)) for key in ("metadata", "spec", "status"))
        labels = mapping(metadata.get("labels"))
        policy = text(spec.get("restartPolicy"))
        node = text(spec.get("nodeName"))
        placed = condition(obj, "PodScheduled")
        return cls(
            name=text(metadata.get("name")),
            uid=text(metadata.get("uid")),
            node=node,
            phase=text(status.get("phase")),
            reason=text(status.get("reason")),
            message=text(status.get("message")),
            scheduled=bool(node) or placed is not None,
            scheduled_at=moment(placed.since) if placed else None,
            scheduling=condition(obj, "PodScheduled", status="False"),
            ends_at=moment(metadata.get("deletionTimestamp")),
            grace=whole(metadata.get("deletionGracePeriodSeconds")),
            disruption=_disruption(obj),
            deleted=metadata.get("deletionTimestamp") is not None,
            restarted=policy in {"OnFailure", "Always"},
            restarted_always=policy == "Always",
            containers=containers(obj),
            job=_first(labels, JOB_LABELS),
            claim=_first(labels, CLAIM_LABELS),
            labels={key: text(labels[key]) for key in TELLING if key in labels},
            controller=controller(obj),
        )

    @property
    def over(self) -> bool:
        """Whether nothing of it runs any more, nor will."""
        return self.phase in OVER

    def stays_longer(self, seconds: int) -> bool:
        """Whether it may run on, for it is not to be removed, or has more than so many seconds."""
        in_time = self.deleted and self.grace is not None and self.grace <= seconds
        return not self.over and not in_time

    @property
    def started(self) -> bool:
        """Whether one of its containers proper has ever run."""
        return any(each.started for each in self.containers if each.role == "app")

    @property
    def restarts(self) -> int:
        """How often its containers proper were started again."""
        return sum(each.restarts for each in self.containers if each.role == "app")

    @property
    def waits_for(self) -> str:
        """What it waits for before it starts, for people, in the cluster's own words."""
        if self.deleted:
            return "the pod is being removed before it has started"
        if not self.scheduled:
            said = self.scheduling
            return (said and said.told) or told(self.reason, self.message) or NO_PLACE
        told_by = (_wait_of(each) for each in self._to_come)
        node = f"node {words(self.node)}" if self.node else "its node"
        return next(filter(None, told_by), "") or f"{node} has not started it yet"

    @property
    def _to_come(self) -> tuple[Container, ...]:
        """Those that have not done their part; one with trouble stands before one without."""
        waiting = [each for each in self.containers if not each.running and each.ended is None]
        init = [each for each in self.containers if each.role == "init" and each.running]
        return (*init, *sorted(waiting, key=lambda each: not each.message))

    def main(self, name: str) -> Container | None:
        """The container of this *name*; in a pod that has none, the first of those proper."""
        app = [each for each in self.containers if each.role == "app"]
        return next((each for each in app if each.name == name), app[0] if app else None)


def pod_status(pod: Pod, *, main: str) -> RunStatus:
    """What a pod means for its run, of which *main* is the container that decides."""
    container = pod.main(main)
    if (ended := ending.status_of(pod, container)) is not None:
        return ended
    if container is not None and container.running:
        return RunStatus(state=RunState.RUNNING, message=_trouble(pod))
    if pod.phase == "Unknown" or pod.reason == "NodeLost":
        return RunStatus(state=RunState.RUNNING, message=_trouble(pod))
    if (never := ending.never_starts(pod)) is not None:
        return never
    if container is not None and container.started:
        return RunStatus(state=RunState.RUNNING, message=container.waits_for or _trouble(pod))
    return RunStatus(state=RunState.STARTING, message=pod.waits_for)


def starting_on(*pods: Pod) -> Literal["place", "start"]:
    """What pods that have not started wait for: a place, or, when all have one, their start (the
    pull of an image, what initialises it, mounts). What has no pod yet waits for a place.
    """
    return "start" if pods and all(pod.scheduled for pod in pods) else "place"


def waits_for_key(message: str | None) -> str:
    """Equal for messages that say the same with other numbers."""
    return waiting.waits_for_key(message)


def _first(labels: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    return next(filter(None, (text(labels.get(key)) for key in keys)), "")


def _trouble(pod: Pod) -> str | None:
    """What is not well with a pod that runs, for people."""
    if pod.disruption is not None:
        return f"the cluster takes its place away: {pod.disruption.told}"
    if pod.deleted:
        return "the pod is being removed"
    if pod.phase == "Unknown" or pod.reason == "NodeLost":
        where = f"node {words(pod.node)}" if pod.node else "its node"
        said = told(pod.reason, pod.message)
        return f"nothing is heard of the pod from {where}" + (f": {said}" if said else "")
    return None


def _wait_of(container: Container) -> str:
    if container.running:
        return f"{container.title} runs"
    said = container.waits_for
    return f"{container.title}: {said}" if said else ""


def _disruption(obj: Mapping[str, Any]) -> Condition | None:
    found = condition(obj, "DisruptionTarget")
    by_volcano = (each for each in conditions(obj, "False") if each.reason == EVICTED_BY_VOLCANO)
    return found or next(by_volcano, None)
