"""Why an object has no pods: its controller says that in events alone, and Kueue beside it."""

import logging
from collections.abc import Mapping
from typing import Any

from launchkit_kubernetes.cluster.client import ClusterClient
from launchkit_kubernetes.cluster.discovery import EVENTS, Resource
from launchkit_kubernetes.cluster.errors import ClusterError
from launchkit_kubernetes.status.kueue import waits_for_quota
from launchkit_kubernetes.status.shape import items, mapping, text, words

log = logging.getLogger("launchkit.kubernetes")

QUEUE_OF_KUEUE = "kueue.x-k8s.io/queue-name"
UID_OF_KUEUE = "kueue.x-k8s.io/job-uid"
WORKLOADS_OF_KUEUE = Resource("kueue.x-k8s.io/v1beta1", "Workload", "workloads")
"""See https://kueue.sigs.k8s.io/docs/concepts/workload/."""


async def warning_about(
    client: ClusterClient, namespace: str, workload: Mapping[str, Any]
) -> str | None:
    """The last warning about a root object; None if there is none, or it cannot be read."""
    metadata = mapping(workload.get("metadata"))
    uid = text(metadata.get("uid"))
    if QUEUE_OF_KUEUE in mapping(metadata.get("labels")):
        query = {"labelSelector": f"{UID_OF_KUEUE}={uid}", "limit": "5"}
        held = await _listed(client, WORKLOADS_OF_KUEUE.path(namespace), query)
        return next(filter(None, map(waits_for_quota, held)), None)
    query = {"fieldSelector": f"involvedObject.uid={uid},type=Warning", "limit": "50"}
    events = await _listed(client, EVENTS.path(namespace), query)
    messages = [words(event.get("message")) for event in events]
    return next(filter(None, reversed(messages)), None)


async def _listed(
    client: ClusterClient, path: str, query: Mapping[str, str]
) -> list[Mapping[str, Any]]:
    try:
        told = await client.json("GET", path, params=query)
    except ClusterError as exc:
        log.debug("what may tell of a warning cannot be read: %s", exc)
        return []
    return [mapping(one) for one in items(told.get("items"))]
