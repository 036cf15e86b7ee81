"""Whether a cluster would take an object, asked before it is created."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import anyio

from launchkit.abc import Output
from launchkit.aio.retry import Backoff, pauses
from launchkit.errors import StartTimeout
from launchkit_kubernetes.cluster.client import ClusterClient
from launchkit_kubernetes.cluster.discovery import PODS, Discovery, Resource
from launchkit_kubernetes.cluster.errors import ClusterRefused
from launchkit_kubernetes.manifest.build import RUN, Workload

QUOTA_BACKOFF = Backoff(first=2.0, cap=30.0)
UNSUPPORTED = "does not support dry run"
"""In the words of an admission webhook that cannot be asked beforehand."""


class Trials:
    """Asks with dry runs."""

    def __init__(self, client: ClusterClient, discovery: Discovery) -> None:
        self._client, self._discovery = client, discovery
        self._listed: set[tuple[Resource, str]] = set()
        """What this agent may list, as it has tried."""

    async def wait_for_room(self, workload: Workload, out: Output, limit: float) -> None:
        """Wait while a quota is used up, for *limit* seconds at most if that is not 0.

        :raises ClusterRefused: if the cluster would not take it for another reason.
        :raises StartTimeout: if there is no room in time.
        """
        since: float | None = None
        for pause in pauses(QUOTA_BACKOFF):
            try:
                await self.made(workload, out)
            except ClusterRefused as exc:
                if not exc.over_quota:
                    raise
                if since is None:
                    since = anyio.current_time()
                    await out.say(f"waits for quota: {exc.message}")
                left = since + limit - anyio.current_time() if limit else pause
                if left <= 0:
                    raise StartTimeout(
                        f"got no place within {limit:g} seconds: {exc.message}",
                        hint="raise the place time-out, or the quota",
                    ) from exc
            else:
                return
            await anyio.sleep(min(pause, left))

    async def made(self, workload: Workload, out: Output) -> Mapping[str, Any] | None:
        """The object as the cluster would make it; None if that cannot be told. A cluster that is
        away is waited for, and that is said.

        :raises ClusterRefused: if it would not take it.
        """

        async def away(exc: Exception) -> None:
            await out.say(f"waits for the cluster: {exc}")

        return await self._client.answered(partial(self._would_create, workload), on_first=away)

    async def _would_create(self, workload: Workload) -> Mapping[str, Any] | None:
        """The object as the cluster would make it; None if that cannot be told."""
        ref = workload.ref
        resource = await self._discovery.resource(ref.api_version, ref.kind)
        for watched in (resource, PODS):
            one = {"labelSelector": RUN, "limit": "1"}
            if (watched, ref.namespace) not in self._listed:  # who may not list waits for ever
                await self._client.json("GET", watched.path(ref.namespace), params=one)
                self._listed.add((watched, ref.namespace))
        path, params = resource.path(ref.namespace), {"dryRun": "All"}
        try:
            return await self._client.one("POST", path, params=params, body=workload.body)
        except ClusterRefused as exc:
            if not exc.exists and UNSUPPORTED not in exc.message:
                raise
            return None
