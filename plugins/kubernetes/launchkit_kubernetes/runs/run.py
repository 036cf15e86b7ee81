"""An object of the cluster as a run: watched, read, ended and removed."""

import logging
import math
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import anyio

from launchkit.abc import Run
from launchkit.aio.retry import Backoff, pauses
from launchkit.errors import RunLost
from launchkit.model import LogChunk, RunState, RunStatus, Verdict, VerdictCode
from launchkit.runners.verdicts import status_of
from launchkit_kubernetes.cluster.board import Board, RunView
from launchkit_kubernetes.cluster.client import MERGE, ClusterClient
from launchkit_kubernetes.cluster.discovery import EVENTS, PODS, Resource
from launchkit_kubernetes.cluster.errors import ClusterError, ClusterRefused
from launchkit_kubernetes.manifest.build import MAIN, TTL
from launchkit_kubernetes.manifest.names import Ref
from launchkit_kubernetes.runs.ends import END, encoded, lost_node, still_there, stored_end
from launchkit_kubernetes.runs.logs import RunLogs, last_output
from launchkit_kubernetes.runs.records import CANCELLED, CLEARED, LOST, OVER, Record, Records
from launchkit_kubernetes.runs.secrets import RunSecrets
from launchkit_kubernetes.status.conditions import condition
from launchkit_kubernetes.status.custom import custom_status
from launchkit_kubernetes.status.job import job_status
from launchkit_kubernetes.status.kueue import waits_for_quota
from launchkit_kubernetes.status.pod import Pod, starting_on, waits_for_key
from launchkit_kubernetes.status.shape import items, mapping, text, words

log = logging.getLogger("launchkit.kubernetes")

LOOK_SECONDS = 10.0
"""How often is looked at what no watch tells: how long pods take to end, and, ever more rarely,
warnings about an object without pods."""
WARNINGS = Backoff(first=LOOK_SECONDS, cap=300.0)
QUEUE_OF_KUEUE = "kueue.x-k8s.io/queue-name"
UID_OF_KUEUE = "kueue.x-k8s.io/job-uid"
WORKLOADS_OF_KUEUE = Resource("kueue.x-k8s.io/v1beta1", "Workload", "workloads")
"""See https://kueue.sigs.k8s.io/docs/concepts/workload/."""
FORCED = {"gracePeriodSeconds": 0}


@dataclass(frozen=True, kw_only=True)
class RunPlace:
    """What the runs of an agent share."""

    client: ClusterClient
    board: Board
    records: Records
    secrets: RunSecrets
    gone_seconds: float
    force: bool
    forget: Callable[[], object]


class ClusterRun(Run):
    """A run whose `ref` is version, kind, namespace and name of its root object."""

    def __init__(self, ref: Ref, place: RunPlace) -> None:
        self.ref = str(ref)
        self._at = ref
        self._place = place
        self._client = place.client
        self._informer = place.board.informer
        self._path = place.board.resource.path(ref.namespace, ref.name)
        self._warning: str | None = None
        self._warned = 0.0
        """When to look for the next one."""
        self._rests = pauses(WARNINGS)
        self._shown: str | None = None
        self._ending_since: float | None = None
        self._stop_by: float | None = None
        """Until when its pods are waited for that are to end, however often that is asked for."""

    async def status(self) -> RunStatus:
        """Look once; a cluster that is away is waited for. :raises RunLost: if it is gone."""
        view = await self._view()
        workload = view.workload
        if workload is not None and (end := stored_end(workload)) is not None:
            return end
        if workload is None or _deleted(workload):
            return await self._ended_or_ending(view)
        status = self._told_once(self._seen(workload, view.pods))
        if lost := self._node_lost(view.pods, status):
            status = lost
        if not status.state.ended:
            return status
        if lost is None and status.state is not RunState.FINISHED:
            pods = await self._pods()  # the watch may have told of the end of its Job first
            status = self._seen(workload, pods)
            if not status.state.ended:
                return status
        return await self._stored(workload, await self._with_evidence(status, view.pods))

    async def _pods(self) -> tuple[Pod, ...]:
        """Its pods as they are now."""
        path, selector = PODS.path(self._at.namespace), self._place.board.selector(self._at.name)
        listed = await self._client.answered(
            lambda: self._client.listed(path, {"labelSelector": selector})
        )
        return tuple(map(Pod.of, listed))

    async def changed(self, last: RunStatus) -> RunStatus:
        """Wait for another status; the watch tells of it."""
        with self._informer.subscribed(self._at.name) as news:
            while (now := await self.status()) == last:
                view = await self._view()
                if not await news.wait(LOOK_SECONDS if self._is_unclear(now, view) else math.inf):
                    await self._look_for_warning(now, view)
            return now

    async def cancel(self, grace: float) -> None:
        """Delete it with all that it has made, and wait until no pod is left. Pods that do not end
        within `gone_seconds` after their grace are on a lost node, and the run with them.
        """
        view = await self._view()
        if view.workload is None and not view.pods:
            return
        if view.workload and not _deleted(view.workload) and (await self.status()).state.ended:
            return
        record = await self._place.records.get(self._at)
        if record is None or record.what in {OVER, CLEARED}:  # of an earlier run of this name
            labels = mapping(mapping((view.workload or {}).get("metadata")).get("labels"))
            record = Record(CANCELLED)
            await self._place.records.put(self._at, labels, record)
        await self._delete(self._path, {"propagationPolicy": "Foreground"})
        for pod in view.pods:
            if not pod.over:
                await self._end_pod(pod, {"gracePeriodSeconds": round(grace)})
        if self._stop_by is None:
            self._stop_by = anyio.current_time() + grace + self._place.gone_seconds
        with anyio.CancelScope(deadline=self._stop_by) as waiting:
            await self._gone()
        if waiting.cancelled_caught:
            await self._give_up()

    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        """What its containers print, until it has ended and all was given."""
        subscribed = partial(self._informer.subscribed, self._at.name)
        logs = RunLogs(self._client, self._at, self._view, self._is_over, subscribed)
        async with aclosing(logs.chunks(offset)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def aclose(self) -> None:
        """Remove the ended object, at once or after the time that the queue's config tells."""
        view = await self._view()
        workload = view.workload
        if workload is not None and not _deleted(workload) and not await self._is_over():
            return
        labels = mapping(mapping((workload or {}).get("metadata")).get("labels"))
        recorded = bool(labels) or await self._place.records.get(self._at) is not None
        if recorded:
            await self._place.records.put(self._at, labels, Record(OVER))
        ttl = text(mapping(mapping((workload or {}).get("metadata")).get("annotations")).get(TTL))
        if workload is None or not _is_finished(workload) or not ttl.isdecimal() or int(ttl) == 0:
            await self._delete(self._path, {"propagationPolicy": "Background"})
            for pod in view.pods:
                await self._end_pod(pod, {})
            await self._place.secrets.remove(self._at)
            await self._nothing_left()
        else:
            patch = {"spec": {"ttlSecondsAfterFinished": int(ttl)}}
            await self._patched(patch)
        if recorded:
            await self._place.records.put(self._at, labels, Record(CLEARED))
        self._place.forget()

    async def _view(self) -> RunView:
        return await self._informer.get(self._at.name) or RunView()

    async def _is_over(self) -> bool:
        try:
            return (await self.status()).state.ended
        except RunLost:
            return True

    def _seen(self, workload: Mapping[str, Any], pods: tuple[Pod, ...]) -> RunStatus:
        annotations = mapping(mapping(workload.get("metadata")).get("annotations"))
        main = text(annotations.get(MAIN))
        if self._at.api_version.startswith("batch/"):
            status = job_status(workload, pods, main=main)
        else:
            status = custom_status(workload, pods, main=main)
        if status.state is RunState.STARTING and not pods and self._warning:
            status = replace(status, message=self._warning)
        if status.state is not RunState.STARTING:
            return status
        times = [pod.scheduled_at for pod in pods if pod.scheduled_at is not None]
        return replace(status, placed=_placed(pods), placed_at=max(times, default=None))

    def _told_once(self, status: RunStatus) -> RunStatus:
        """The same message with other numbers is no news."""
        if status.state.ended or status.message is None:
            return status
        if self._shown is None or waits_for_key(self._shown) != waits_for_key(status.message):
            self._shown = status.message
        return replace(status, message=self._shown)

    async def _ended_or_ending(self, view: RunView) -> RunStatus:
        """The status of a run whose root object is gone, or going."""
        record = await self._place.records.get(self._at)
        if record is not None and record.what == LOST:
            return lost_node(record.why)
        live = [pod for pod in view.pods if not pod.over]
        if record is not None and record.what == CANCELLED:
            if live:
                return RunStatus(state=RunState.RUNNING, message="it is being stopped")
            summary = "It was stopped."
            return status_of(Verdict(code=VerdictCode.STOPPED, summary=summary))
        if view.workload is not None:
            status = self._seen(view.workload, view.pods)
            if status.state.ended:
                return status
            if lost := self._node_lost(view.pods, RunStatus(state=RunState.RUNNING)):
                return lost
            if live:
                message = f"the {self._at.kind} was deleted, and not by launchkit: its pods end"
                return RunStatus(state=RunState.RUNNING, message=message)
        raise RunLost(
            f"the {self._at.kind} {self._at.name} in namespace {self._at.namespace} is gone, and"
            " nothing tells how it ended",
            hint="was it deleted by hand, or removed by a ttlSecondsAfterFinished or a clean-up of"
            " the cluster before its end was seen?",
        )

    def _node_lost(self, pods: tuple[Pod, ...], status: RunStatus) -> RunStatus | None:
        """The end of a run whose pods the cluster has lost sight of for too long; None: not yet."""
        live = [pod for pod in pods if not pod.over]
        now = time.time()
        held = [pod for pod in live if pod.phase == "Unknown" or (pod.deleted and _due(pod, now))]
        others = [pod for pod in live if pod not in held and pod.started]
        if status.state.ended or not held or others:
            self._ending_since = None
            return None
        clock = anyio.current_time()
        self._ending_since = self._ending_since if self._ending_since is not None else clock
        if clock - self._ending_since < self._place.gone_seconds + LOOK_SECONDS:
            return None
        return lost_node(still_there(held))

    def _is_unclear(self, status: RunStatus, view: RunView) -> bool:
        """Whether time alone may change what is known."""
        if status.state is RunState.STARTING and not view.pods:
            return True
        return any(not pod.over and (pod.deleted or pod.phase == "Unknown") for pod in view.pods)

    async def _look_for_warning(self, status: RunStatus, view: RunView) -> None:
        """Why an object has no pods: its controller says it in events alone."""
        if view.workload is None or view.pods or status.state is not RunState.STARTING:
            return
        if anyio.current_time() < self._warned:
            return
        self._warned = anyio.current_time() + next(self._rests)
        uid = text(mapping(view.workload.get("metadata")).get("uid"))
        labels = mapping(mapping(view.workload.get("metadata")).get("labels"))
        if QUEUE_OF_KUEUE in labels:
            self._warning = await self._held_by_kueue(uid) or self._warning
            return
        selector = f"involvedObject.uid={uid},type=Warning"
        path = EVENTS.path(self._at.namespace)
        try:
            told = await self._client.json(
                "GET", path, params={"fieldSelector": selector, "limit": "50"}, last=True
            )
        except ClusterError as exc:
            log.debug("events about %s cannot be read: %s", self.ref, exc)
            return
        messages = [words(mapping(one).get("message")) for one in items(told.get("items"))]
        self._warning = next(filter(None, reversed(messages)), self._warning)

    async def _held_by_kueue(self, uid: str) -> str | None:
        """Why Kueue does not let it run; None if it does, or does not say."""
        path = WORKLOADS_OF_KUEUE.path(self._at.namespace)
        params = {"labelSelector": f"{UID_OF_KUEUE}={uid}", "limit": "5"}
        try:
            told = await self._client.json("GET", path, params=params, last=True)
        except ClusterError as exc:
            log.debug("what Kueue says of %s cannot be read: %s", self.ref, exc)
            return None
        said = [waits_for_quota(mapping(one)) for one in items(told.get("items"))]
        return next(filter(None, said), None)

    async def _with_evidence(self, status: RunStatus, pods: tuple[Pod, ...]) -> RunStatus:
        """The status with the last lines of the container that failed."""
        verdict = status.verdict
        if status.state is not RunState.FAILED or verdict is None:
            return status
        printed = await last_output(self._client, self._at.namespace, pods)
        return replace(status, verdict=replace(verdict, evidence=(*verdict.evidence, *printed)))

    async def _stored(self, workload: Mapping[str, Any], status: RunStatus) -> RunStatus:
        """Keep an end beside the object before it is told: who looks later sees the same."""
        told: Mapping[str, Any] | None = workload
        while told is not None:
            if (known := stored_end(told)) is not None:
                return known
            version = text(mapping(told.get("metadata")).get("resourceVersion"))
            metadata = {"annotations": {END: encoded(status)}, "resourceVersion": version or None}
            try:
                await self._patched({"metadata": metadata})
            except ClusterRefused as exc:
                if not exc.conflict:
                    log.warning("the end of %s cannot be kept beside it: %s", self.ref, exc)
                    return status
                told = await self._read()  # somebody has changed it since
            else:
                return status
        return status

    async def _read(self) -> Mapping[str, Any] | None:
        """The root object as it is now; None if there is none."""
        try:
            return await self._client.answered(lambda: self._client.json("GET", self._path))
        except ClusterRefused as exc:
            if exc.not_found:
                return None
            raise

    async def _patched(self, patch: Mapping[str, Any]) -> None:
        """Change the object; none is no error."""
        try:
            told = await self._client.answered(
                lambda: self._client.json("PATCH", self._path, body=patch, content_type=MERGE)
            )
        except ClusterRefused as exc:
            if not exc.not_found:
                raise
        else:
            self._place.board.learn(told)

    async def _end_pod(self, pod: Pod, options: Mapping[str, Any]) -> None:
        await self._delete(PODS.path(self._at.namespace, pod.name), options)

    async def _delete(self, path: str, options: Mapping[str, Any]) -> None:
        """Ask for the end of an object; none is no error."""
        try:
            await self._client.answered(
                lambda: self._client.json("DELETE", path, body=dict(options))
            )
        except ClusterRefused as exc:
            if not exc.not_found:
                raise

    async def _gone(self) -> None:
        """Wait until no pod of it runs and its root object is gone."""
        with self._informer.subscribed(self._at.name) as news:
            while True:
                view = await self._view()
                live = [pod for pod in view.pods if not pod.over]
                if view.workload is None and not live:
                    return
                for pod in live:
                    if not pod.deleted:  # one that its controller has made meanwhile
                        await self._end_pod(pod, {})
                await news.wait(LOOK_SECONDS)

    async def _give_up(self) -> None:
        """Keep why it is not gone. Pods are removed by force only if the owner has said so."""
        view = await self._view()
        live = [pod for pod in view.pods if not pod.over]
        if self._place.force:
            for pod in live:
                await self._end_pod(pod, FORCED)
            return
        if live:
            why = still_there(live)
        else:
            held = await self._finalizers()
            why = f"the {self._at.kind} {self._at.name} is not removed: {held}"
        labels = mapping(mapping((view.workload or {}).get("metadata")).get("labels"))
        await self._place.records.put(self._at, labels, Record(LOST if live else CANCELLED, why))
        log.warning("%s: %s", self.ref, why)

    async def _finalizers(self) -> str:
        try:
            told = await self._client.json("GET", self._path)
        except ClusterError as exc:
            return str(exc)
        found = [words(one) for one in items(mapping(told.get("metadata")).get("finalizers"))]
        return f"finalizers {', '.join(found)} hold it" if found else "nothing says why"

    async def _nothing_left(self) -> None:
        """Wait a while until the cluster has removed what was deleted."""
        with anyio.move_on_after(self._place.gone_seconds):
            with self._informer.subscribed(self._at.name) as news:
                while not (await self._view()).gone:
                    await news.wait(LOOK_SECONDS)


def _placed(pods: tuple[Pod, ...]) -> bool:
    return starting_on(*pods) == "start"


def _deleted(workload: Mapping[str, Any]) -> bool:
    return mapping(workload.get("metadata")).get("deletionTimestamp") is not None


def _due(pod: Pod, now: float) -> bool:
    """Whether a pod that is to be removed has had its grace."""
    return pod.ends_at is None or pod.ends_at < now


def _is_finished(job: Mapping[str, Any]) -> bool:
    """Whether a Job is one that the cluster removes after its time."""
    return condition(job, "Complete", "Failed") is not None
