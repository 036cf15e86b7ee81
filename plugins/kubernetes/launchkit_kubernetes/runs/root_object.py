"""The root object of a run in its cluster: read, changed and noted upon, whosever it is by now."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from launchkit_kubernetes.cluster.board import Board
from launchkit_kubernetes.cluster.client import MERGE, ClusterClient
from launchkit_kubernetes.cluster.errors import ClusterRefused


@dataclass(frozen=True)
class RootObject:
    """The object of a name. Each call raises ClusterError if the cluster refuses."""

    client: ClusterClient
    board: Board
    name: str

    @property
    def path(self) -> str:
        """Where it is."""
        return self.board.resource.path(self.board.namespace, self.name)

    async def read(self) -> Mapping[str, Any] | None:
        """What has its name now."""
        return await self.client.answered(partial(self.client.find, self.path))

    async def patch(self, patch: Mapping[str, Any]) -> None:
        """Change it; none is no error."""
        await self.client.answered(partial(self._patch, patch))

    async def note(self, uid: str, annotations: Mapping[str, str]) -> None:
        """Keep these beside the one with this *uid*, tried once; none is no error."""
        await self._patch({"metadata": {"annotations": annotations, "uid": uid or None}})

    async def remove(self, uid: str, propagation: str) -> None:
        """Ask for the end of the one with this *uid*."""
        await self.client.remove(self.path, uid, {"propagationPolicy": propagation})

    async def _patch(self, patch: Mapping[str, Any]) -> None:
        try:
            told = await self.client.one("PATCH", self.path, body=patch, content_type=MERGE)
        except ClusterRefused as exc:
            if not exc.not_found:
                raise
        else:
            self.board.learn(told)
