"""Whether an agent may build where it is, asked before it has a builder."""

import anyio

from launchkit_kubernetes.cluster.access import Access
from launchkit_kubernetes.cluster.client import open_client
from launchkit_kubernetes.cluster.errors import ClusterError
from launchkit_kubernetes.cluster.findings import BUILD_RIGHTS, lacking

ANSWER_SECONDS = 10.0


async def may_build(access: Access, namespace: str) -> bool:
    """Whether the cluster answers, and all rights are there."""
    with anyio.move_on_after(ANSWER_SECONDS):
        async with open_client(access, 50.0, 100) as client:
            try:
                return not await lacking(client, namespace, BUILD_RIGHTS)
            except ClusterError:
                return False
    return False
