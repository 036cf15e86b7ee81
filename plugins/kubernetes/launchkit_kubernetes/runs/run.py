"""An object of the cluster as a run: watched, read, ended and removed."""

import logging
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import anyio

from launchkit.abc import Run
from launchkit.errors import LaunchkitError, RunLost
from launchkit.model import LogChunk, RunState, RunStatus, Verdict, VerdictCode
from launchkit.runners.verdicts import status_of
from launchkit_kubernetes.cluster.board import Board, RunView
from launchkit_kubernetes.cluster.client import ClusterClient
from launchkit_kubernetes.cluster.discovery import PODS
from launchkit_kubernetes.cluster.errors import ClusterError, ClusterRefused
from launchkit_kubernetes.cluster.nodes import any_works
from launchkit_kubernetes.manifest.names import Ref
from launchkit_kubernetes.runs.ends import (
    END,
    encoded,
    grace_of,
    held_by,
    is_deleted,
    lost_node,
    out_of_sight,
    seen,
    still_there,
    stored_end,
    ttl_of,
    untold,
)
from launchkit_kubernetes.runs.log_place import PLACE
from launchkit_kubernetes.runs.logs import RunLogs
from launchkit_kubernetes.runs.reasons import Reasons, Warnings
from launchkit_kubernetes.runs.records import CANCELLED, CLEARED, LOST, OVER, Record, Records
from launchkit_kubernetes.runs.root_object import RootObject
from launchkit_kubernetes.runs.secrets import RunSecrets
from launchkit_kubernetes.runs.streams import with_last_output
from launchkit_kubernetes.runs.whose import Whose, uid_of
from launchkit_kubernetes.status.pod import Pod, starting_on, waits_for_key
from launchkit_kubernetes.status.shape import mapping, text

log = logging.getLogger("launchkit.kubernetes")

LOOK_SECONDS = 10.0
"""How often is looked at what no watch tells: how long pods take to end, and, ever more rarely,
warnings about an object without pods."""
BY_FORCE = 0
"""A grace with which a pod is removed although it may run on."""


@dataclass(frozen=True, kw_only=True)
class RunPlace:
    """What the runs of an agent share."""

    client: ClusterClient
    board: Board
    reasons: Reasons
    records: Records
    secrets: RunSecrets
    gone_seconds: float
    force: bool
    forget: Callable[[Whose], Awaitable[None]]


class ClusterRun(Run):
    """A run whose `ref` is version, kind, namespace and name of its root object. What others have
    there is none of its own.
    """

    def __init__(self, ref: Ref, whose: Whose, place: RunPlace) -> None:
        self.ref = str(ref)
        self._at, self._whose = ref, whose
        self._place = place
        self._client = place.client
        self._informer = place.board.informer
        self._root = RootObject(place.client, place.board, ref.name)
        on_news = partial(self._informer.news.notify, ref.name)
        self._warnings = Warnings(place.reasons, on_news)
        self._grace = grace_of({})
        self._shown: str | None = None
        self._unrecorded: Record | None = None
        """What is to be remembered of it, and was refused."""
        self._ending_since: float | None = None
        self._stop_by: float | None = None
        """Until when its pods are waited for that are to end, however often that is asked for."""

    async def status(self) -> RunStatus:
        """Look once; a cluster that is away is waited for. :raises RunLost: if it is gone."""
        return await self._status_of(await self._view())

    async def _status_of(self, view: RunView) -> RunStatus:
        workload = view.workload
        if workload is not None and (end := stored_end(workload)) is not None:
            return end
        if workload is None or is_deleted(workload):
            return await self._ended_or_ending(view)
        status = self._told_once(self._seen(workload, view.pods))
        if lost := await self._node_lost(view.pods, status):
            status = lost
        if not status.state.ended:
            return status
        if lost is None and status.state is not RunState.FINISHED:
            # the watch may have told of the end of its Job first
            status = self._seen(workload, await self._pods())
            if not status.state.ended:
                return status
        place = self._client, self._at.namespace
        return await self._stored(workload, await with_last_output(status, *place, view.pods))

    async def _pods(self) -> tuple[Pod, ...]:
        """Its pods as they are now."""
        found = await self._place.board.pods(self._at.name, self._whose.uid)
        return tuple(pod for pod in found if self._whose.may_own(pod.labels))

    async def changed(self, last: RunStatus) -> RunStatus:
        """Wait for another status; the watch tells of it."""
        with self._informer.subscribed(self._at.name) as news:
            while (now := await self.status()) == last:
                view = await self._view()
                if not await news.wait(LOOK_SECONDS if self._is_unclear(now, view) else math.inf):
                    self._ask_for_warning(now, view)
            return now

    async def cancel(self, grace: float) -> None:
        """Delete it with all that it has made, and wait until no pod is left. Pods that do not end
        within `gone_seconds` after their grace are lost with their nodes, if none of these works.
        """
        view = await self._look()
        if view.workload is None and not view.pods:
            return
        is_there = view.workload is not None and not is_deleted(view.workload)
        if is_there and (await self._status_of(view)).state.ended:
            return
        record = None
        with suppress(ClusterRefused):  # it is wanted, whatever is known
            record = await self._remembered(view.workload)
        if record is None:
            await self._remember(CANCELLED)
        await self._remove("Foreground")
        seconds = max(1, round(grace))  # 0: by force
        await self._end_pods(view.pods, seconds)
        if self._stop_by is None:
            self._stop_by = anyio.current_time() + grace + self._place.gone_seconds
        while not await self._gone(seconds, self._stop_by) and not await self._is_given_up():
            self._stop_by = anyio.current_time() + max(self._place.gone_seconds, LOOK_SECONDS)

    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        """What its containers print, until it has ended and all was given."""
        subscribed = partial(self._informer.subscribed, self._at.name)
        logs = RunLogs(
            self._client, self._at, self._view, self._is_over, subscribed, self._keep_place
        )
        async with aclosing(logs.chunks(offset)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def aclose(self) -> None:
        """Remove the ended object, at once or after the time that the queue's config tells."""
        view = await self._view()
        workload = view.workload
        if workload is not None and not is_deleted(workload) and not await self._is_over():
            return
        known = workload is not None or await self._remembered(None) is not None
        recorded = known and await self._remember(OVER)
        ttl, grace = ttl_of(workload), self._grace
        if ttl:
            await self._leave_for(ttl)
        else:
            await self._remove("Background")
            for pod in view.pods:
                await self._end_pod(pod, grace)
        await self._place.secrets.remove(self._at, self._whose)
        if not ttl:
            await self._nothing_left(grace)
        if recorded:
            await self._remember(CLEARED)
        await self._place.forget(self._whose)

    async def _leave_for(self, seconds: int) -> None:
        """Have the cluster remove its Job after so long."""
        metadata, spec = {"uid": self._whose.uid}, {"ttlSecondsAfterFinished": seconds}
        try:
            await self._root.patch({"metadata": metadata, "spec": spec})
        except ClusterRefused as exc:
            if not exc.conflict:  # it is another by now
                raise

    async def _view(self) -> RunView:
        """What is known of its own."""
        found = await self._informer.get(self._at.name) or RunView()
        workload, pods = self._own(found.workload), found.pods
        if workload is None and self._whose.uid:
            pods = tuple(self._place.board.left(self._at.name, self._whose.uid))
        elif workload is None and found.workload is not None:
            return RunView()  # another's, as its pods are
        own = tuple(pod for pod in pods if self._whose.may_own(pod.labels))
        return RunView(workload=workload, pods=own)

    async def _look(self) -> RunView:
        """What there is of its own now: no list is waited for of what others have."""
        there = await self._root.read()
        workload = self._own(there)
        if workload is None and there is not None and not self._whose.uid:
            return RunView()
        return RunView(workload=workload, pods=await self._pods())

    def _own(self, told: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """The same if it is its root object; else None."""
        if told is None or not self._whose.is_root(told):
            return None
        self._whose, self._grace = self._whose.seen(told), grace_of(told)
        return told

    async def _is_over(self) -> bool:
        try:
            return (await self.status()).state.ended
        except RunLost:
            return True

    def _seen(self, workload: Mapping[str, Any], pods: tuple[Pod, ...]) -> RunStatus:
        status = seen(self._at, workload, pods)
        if status.state is RunState.STARTING and not pods and self._warnings.last:
            status = replace(status, message=self._warnings.last)
        if status.state is not RunState.STARTING:
            return status
        times = [pod.scheduled_at for pod in pods if pod.scheduled_at is not None]
        return replace(
            status, placed=starting_on(*pods) == "start", placed_at=max(times, default=None)
        )

    def _told_once(self, status: RunStatus) -> RunStatus:
        """The same message with other numbers is no news."""
        if status.state.ended or status.message is None:
            return status
        if self._shown is None or waits_for_key(self._shown) != waits_for_key(status.message):
            self._shown = status.message
        return replace(status, message=self._shown)

    async def _ended_or_ending(self, view: RunView) -> RunStatus:
        """The status of a run whose root object is gone, or going: it is over when its pods are."""
        record = await self._remembered(view.workload)
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
        if record is not None or not live:
            raise untold(self._at)
        message = f"the {self._at.kind} was deleted, and not by launchkit: its pods end"
        status = RunStatus(state=RunState.RUNNING, message=message)
        if lost := await self._node_lost(view.pods, status):
            return lost
        await self._end_pods(live, self._grace)
        return status

    async def _node_lost(self, pods: tuple[Pod, ...], status: RunStatus) -> RunStatus | None:
        """The end of a run whose pods the cluster has lost sight of for too long; None: not yet."""
        held = [] if status.state.ended else out_of_sight(pods)
        if not held:
            self._ending_since = None
            return None
        clock = anyio.current_time()
        self._ending_since = self._ending_since if self._ending_since is not None else clock
        if clock - self._ending_since < self._place.gone_seconds + LOOK_SECONDS:
            return None
        if await any_works(self._client, held):
            self._ending_since = clock
            return None
        return lost_node(still_there(held))

    def _is_unclear(self, status: RunStatus, view: RunView) -> bool:
        """Whether time alone may change what is known."""
        if status.state is RunState.STARTING and not view.pods:
            return True
        return any(not pod.over and (pod.deleted or pod.phase == "Unknown") for pod in view.pods)

    def _ask_for_warning(self, status: RunStatus, view: RunView) -> None:
        """Why an object has no pods."""
        if view.workload is None or view.pods or status.state is not RunState.STARTING:
            return
        self._warnings.ask(view.workload)

    async def _stored(self, workload: Mapping[str, Any], status: RunStatus) -> RunStatus:
        """Keep an end beside the object before it is told: who looks later sees the same."""
        told: Mapping[str, Any] | None = workload
        while told is not None:
            if (known := stored_end(told)) is not None:
                return known
            version = text(mapping(told.get("metadata")).get("resourceVersion"))
            metadata = {"annotations": {END: encoded(status)}, "resourceVersion": version or None}
            try:
                await self._root.patch({"metadata": metadata})
            except ClusterRefused as exc:
                if not exc.conflict:
                    log.warning("the end of %s cannot be kept beside it: %s", self.ref, exc)
                    return status
                told = self._own(await self._root.read())  # somebody has changed it since
            else:
                return status
        return status

    async def _keep_place(self, place: str) -> None:
        """Keep how far the log is stored; the log goes on where that cannot be."""
        try:
            await self._root.note(self._whose.uid, {PLACE: place})
        except LaunchkitError as exc:
            log.debug("the place in the log of %s is not kept: %s", self.ref, exc)

    async def _remembered(self, workload: Mapping[str, Any] | None) -> Record | None:
        found = await self._place.records.get(self._at, self._whose, workload)
        return found or self._unrecorded

    async def _remember(self, what: str, why: str = "") -> bool:
        """Keep it on record, which may be refused; then here, and beside the root object for as
        long as that is there. Whether it is on record.
        """
        try:
            await self._place.records.put(self._at, self._whose, what, why)
        except ClusterError as exc:
            level = logging.DEBUG if self._unrecorded else logging.WARNING  # it is told once
            log.log(level, "%s is %s, which is not kept on record: %s", self.ref, what, exc)
            self._unrecorded = Record(what, why)
        else:
            return True
        try:
            note = partial(self._root.note, self._whose.uid, self._unrecorded.notes)
            await self._client.answered(note)
        except ClusterError as exc:
            log.warning("nor can it be kept beside it: %s", exc)
        return False

    async def _remove(self, propagation: str) -> None:
        """Ask for the end of the root object."""
        if uid := self._whose.uid or uid_of(self._own(await self._root.read()) or {}):
            await self._root.remove(uid, propagation)

    async def _end_pods(self, pods: Sequence[Pod], grace: int) -> None:
        """End those that do not end in time by themselves, whatever grace they have."""
        for pod in pods:
            if pod.stays_longer(grace):
                await self._end_pod(pod, grace)

    async def _end_pod(self, pod: Pod, grace: int) -> None:
        path = PODS.path(self._at.namespace, pod.name)
        await self._client.remove(path, pod.uid, {"gracePeriodSeconds": grace})

    async def _gone(self, grace: int, deadline: float) -> bool:
        """Wait until no pod of it runs and its root object is gone; False: not by the deadline."""
        with anyio.CancelScope(deadline=deadline):
            with self._informer.subscribed(self._at.name) as news:
                while True:
                    view = await self._view()
                    if view.workload is None and all(pod.over for pod in view.pods):
                        return True
                    await self._end_pods(view.pods, grace)  # its controller may have made others
                    await news.wait(LOOK_SECONDS)
        return False

    async def _is_given_up(self) -> bool:
        """Keep why it is not gone, unless a node works on it. Pods are removed by force only if the
        owner has said so.
        """
        live = [pod for pod in await self._pods() if not pod.over]
        if await any_works(self._client, live):
            log.warning("%s takes long to stop: %s", self.ref, still_there(live))
            return False
        if self._place.force:
            for pod in live:
                await self._end_pod(pod, BY_FORCE)
            return True
        workload = self._own(await self._root.read())
        if not live and workload is None:
            return True
        why = still_there(live) if live else held_by(self._at, workload)
        what = LOST if live else CANCELLED
        await self._remember(what, why)
        log.warning("%s: %s", self.ref, why)
        return True

    async def _nothing_left(self, grace: int) -> None:
        """Wait a while until the cluster has removed what was deleted."""
        with anyio.move_on_after(self._place.gone_seconds):
            with self._informer.subscribed(self._at.name) as news:
                while not (view := await self._view()).gone:
                    await self._end_pods(view.pods, grace)
                    await news.wait(LOOK_SECONDS)
