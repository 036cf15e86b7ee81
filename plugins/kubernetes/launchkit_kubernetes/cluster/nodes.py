"""Whether nodes work, as far as the agent may ask that."""

from urllib.parse import quote

from launchkit_kubernetes.cluster.client import ClusterClient
from launchkit_kubernetes.cluster.errors import ClusterRefused
from launchkit_kubernetes.status.conditions import condition


async def works(client: ClusterClient, node: str) -> bool:
    """Whether the cluster hears of a node. One that is gone does not work, and none does for an
    agent that may not ask: the right to get nodes is not among those that it must have.
    """
    path = f"api/v1/nodes/{quote(node, safe='')}"
    try:
        found = await client.answered(lambda: client.json("GET", path))
    except ClusterRefused:
        return False
    return condition(found, "Ready") is not None
