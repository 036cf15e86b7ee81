"""Why an object has no pods, in the words of its controller."""

import logging
from collections.abc import Mapping
from typing import Any

import anyio

from launchkit.aio.retry import Backoff, pauses
from launchkit_kubernetes.cluster.client import ClusterClient
from launchkit_kubernetes.cluster.discovery import EVENTS, Resource
from launchkit_kubernetes.cluster.errors import ClusterError
from launchkit_kubernetes.manifest.names import Ref
from launchkit_kubernetes.status.kueue import waits_for_quota
from launchkit_kubernetes.status.shape import items, mapping, text, words

log = logging.getLogger("launchkit.kubernetes")

LOOKS = Backoff(first=10.0, cap=300.0)
QUEUE_OF_KUEUE = "kueue.x-k8s.io/queue-name"
UID_OF_KUEUE = "kueue.x-k8s.io/job-uid"
WORKLOADS_OF_KUEUE = Resource("kueue.x-k8s.io/v1beta1", "Workload", "workloads")
"""See https://kueue.sigs.k8s.io/docs/concepts/workload/."""


class Warnings:
    """The newest reason why an object has no pods; it is asked for ever more rarely."""

    def __init__(self, client: ClusterClient, ref: Ref) -> None:
        self.last: str | None = None
        self._client, self._ref = client, ref
        self._rests = pauses(LOOKS)
        self._next = 0.0

    async def look(self, workload: Mapping[str, Any]) -> None:
        """Ask, if it is time."""
        if anyio.current_time() < self._next:
            return
        self._next = anyio.current_time() + next(self._rests)
        self.last = await why_no_pods(self._client, self._ref, workload) or self.last


async def why_no_pods(client: ClusterClient, ref: Ref, workload: Mapping[str, Any]) -> str | None:
    """What Kueue says of it, if it is in one of its queues, or the newest warning about it; None if
    nothing is said, or it cannot be read.
    """
    uid = text(mapping(workload.get("metadata")).get("uid"))
    if QUEUE_OF_KUEUE in mapping(mapping(workload.get("metadata")).get("labels")):
        return await _held_by_kueue(client, ref, uid)
    params = {"fieldSelector": f"involvedObject.uid={uid},type=Warning", "limit": "50"}
    try:
        told = await client.json("GET", EVENTS.path(ref.namespace), params=params, last=True)
    except ClusterError as exc:
        log.debug("events about %s cannot be read: %s", ref, exc)
        return None
    messages = [words(mapping(one).get("message")) for one in items(told.get("items"))]
    return next(filter(None, reversed(messages)), None)


async def _held_by_kueue(client: ClusterClient, ref: Ref, uid: str) -> str | None:
    """Why Kueue does not let it run; None if it does, or does not say."""
    params = {"labelSelector": f"{UID_OF_KUEUE}={uid}", "limit": "5"}
    try:
        told = await client.json(
            "GET", WORKLOADS_OF_KUEUE.path(ref.namespace), params=params, last=True
        )
    except ClusterError as exc:
        log.debug("what Kueue says of %s cannot be read: %s", ref, exc)
        return None
    said = [waits_for_quota(mapping(one)) for one in items(told.get("items"))]
    return next(filter(None, said), None)
