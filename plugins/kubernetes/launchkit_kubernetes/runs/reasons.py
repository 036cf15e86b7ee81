"""Why objects have no pods, in the words of their controllers."""

import logging
from collections.abc import Callable, Collection, Mapping
from contextlib import aclosing
from typing import Any

import anyio

from launchkit.aio.retry import Backoff, pauses
from launchkit_kubernetes.cluster.client import ClusterClient
from launchkit_kubernetes.cluster.discovery import EVENTS, Resource
from launchkit_kubernetes.cluster.errors import ClusterError
from launchkit_kubernetes.manifest.names import Ref
from launchkit_kubernetes.status.kueue import waits_for_quota
from launchkit_kubernetes.status.shape import mapping, text, words

log = logging.getLogger("launchkit.kubernetes")

LOOKS = Backoff(first=10.0, cap=300.0)
REST_SECONDS = 10.0
BUSY = 0.1
"""The share of its time for which an API server may be asked for warnings: it reads all of a
namespace's events to find some."""
QUEUE_OF_KUEUE = "kueue.x-k8s.io/queue-name"
UID_OF_KUEUE = "kueue.x-k8s.io/job-uid"
WORKLOADS_OF_KUEUE = Resource("kueue.x-k8s.io/v1beta1", "Workload", "workloads")
"""See https://kueue.sigs.k8s.io/docs/concepts/workload/."""


class Reasons:
    """Why objects of one kind in a namespace have no pods. However many ask: they share a look."""

    def __init__(self, client: ClusterClient, kind: str, namespace: str) -> None:
        self._client, self._kind, self._namespace = client, kind, namespace
        self._askers: dict[str, Callable[[str], object]] = {}
        self._of_kueue: dict[str, Callable[[str], object]] = {}
        self._asked = anyio.Event()

    def ask(self, workload: Mapping[str, Any], tell: Callable[[str], object]) -> None:
        """Have *tell* called with what Kueue says of an object, if it is in one of its queues, or
        with the newest warning about it; not, if nothing is said.
        """
        askers = self._of_kueue if _is_in_kueue(workload) else self._askers
        askers[_uid(workload)] = tell
        self._asked.set()

    async def run(self) -> None:
        """Look for those who ask, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked = anyio.Event()
            began = anyio.current_time()
            await self._look()
            took = anyio.current_time() - began
            await anyio.sleep(max(REST_SECONDS, took / BUSY))

    async def _look(self) -> None:
        askers, self._askers = self._askers, {}
        of_kueue, self._of_kueue = self._of_kueue, {}
        told: dict[str, str] = {}
        if askers:
            about = f"involvedObject.kind={self._kind}"
            told |= await _warnings(self._client, self._namespace, about, askers.keys())
        if of_kueue:
            told |= await _held_by_kueue(
                self._client, self._namespace, UID_OF_KUEUE, of_kueue.keys()
            )
        for uid, tell in (askers | of_kueue).items():
            if why := told.get(uid):
                tell(why)


class Warnings:
    """The newest reason why an object has no pods; it is asked for ever more rarely."""

    def __init__(self, reasons: Reasons, on_news: Callable[[], object]) -> None:
        self.last: str | None = None
        self._reasons, self._on_news = reasons, on_news
        self._rests = pauses(LOOKS)
        self._next = 0.0

    def ask(self, workload: Mapping[str, Any]) -> None:
        """Ask, if it is time; the answer comes later."""
        if anyio.current_time() >= self._next:
            self._next = anyio.current_time() + next(self._rests)
            self._reasons.ask(workload, self._hear)

    def _hear(self, why: str) -> None:
        if why != self.last:
            self.last = why
            self._on_news()


async def why_no_pods(client: ClusterClient, ref: Ref, workload: Mapping[str, Any]) -> str | None:
    """The same of one object, at once; None if nothing is said, or it cannot be read."""
    uid = _uid(workload)
    if _is_in_kueue(workload):
        told = await _held_by_kueue(client, ref.namespace, f"{UID_OF_KUEUE}={uid}", {uid})
    else:
        told = await _warnings(client, ref.namespace, f"involvedObject.uid={uid}", {uid})
    return told.get(uid)


def _is_in_kueue(workload: Mapping[str, Any]) -> bool:
    return QUEUE_OF_KUEUE in mapping(mapping(workload.get("metadata")).get("labels"))


def _uid(workload: Mapping[str, Any]) -> str:
    return text(mapping(workload.get("metadata")).get("uid"))


async def _warnings(
    client: ClusterClient, namespace: str, about: str, uids: Collection[str]
) -> Mapping[str, str]:
    """The newest warning about each object, as far as they can be read."""
    params = {"fieldSelector": f"{about},type=Warning"}
    found: dict[str, str] = {}
    try:
        async with aclosing(client.pages(EVENTS.path(namespace), params, last=True)) as pages:
            async for page, _ in pages:
                for event in map(mapping, page):
                    uid = text(mapping(event.get("involvedObject")).get("uid"))
                    if uid in uids and (message := words(event.get("message"))):
                        found[uid] = message
    except ClusterError as exc:
        log.debug("events in %s cannot be read: %s", namespace, exc)
    return found


async def _held_by_kueue(
    client: ClusterClient, namespace: str, selector: str, uids: Collection[str]
) -> Mapping[str, str]:
    """Why Kueue does not let objects run, as far as it says so."""
    params = {"labelSelector": selector}
    path = WORKLOADS_OF_KUEUE.path(namespace)
    found: dict[str, str] = {}
    try:
        async with aclosing(client.pages(path, params, last=True)) as pages:
            async for page, _ in pages:
                for told in map(mapping, page):
                    uid = text(
                        mapping(mapping(told.get("metadata")).get("labels")).get(UID_OF_KUEUE)
                    )
                    if uid in uids and (why := waits_for_quota(told)):
                        found[uid] = why
    except ClusterError as exc:
        log.debug("what Kueue says in %s cannot be read: %s", namespace, exc)
    return found
