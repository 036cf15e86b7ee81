"""Whether nodes work, as far as the agent may ask that."""

from collections.abc import Sequence
from urllib.parse import quote

from launchkit_kubernetes.cluster.client import ClusterClient
from launchkit_kubernetes.cluster.errors import ClusterRefused
from launchkit_kubernetes.status.conditions import condition
from launchkit_kubernetes.status.pod import Pod


async def any_works(client: ClusterClient, pods: Sequence[Pod]) -> bool:
    """Whether the cluster hears of one of the nodes of *pods*."""
    for node in {pod.node for pod in pods if pod.node}:
        if await _works(client, node):
            return True
    return False


async def _works(client: ClusterClient, node: str) -> bool:
    """A node that is gone does not, and none does for an agent that may not ask: the right to get
    nodes is not among those that it must have.
    """
    path = f"api/v1/nodes/{quote(node, safe='')}"
    try:
        found = await client.answered(lambda: client.one("GET", path))
    except ClusterRefused:
        return False
    return condition(found, "Ready") is not None
