"""What must outlive an object: that its run was cancelled, or is over. A ConfigMap of its name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from launchkit.errors import RunLost
from launchkit.plain_text import shortened
from launchkit_kubernetes.cluster.client import MERGE, ClusterClient
from launchkit_kubernetes.cluster.discovery import CONFIG_MAPS
from launchkit_kubernetes.cluster.errors import ClusterRefused
from launchkit_kubernetes.manifest.build import RUN
from launchkit_kubernetes.manifest.names import Ref
from launchkit_kubernetes.status.shape import mapping, text

RECORD = "launchkit/record"
"""The label of all records."""
CANCELLED, LOST, OVER, CLEARED = "cancelled", "lost", "over", "cleared"
"""Its end is stored as OVER when it is to be removed, and as CLEARED when nothing is left of it."""
OURS = "launchkit/"
KEEP = timedelta(days=1)
"""How long an agent that slept is kept from starting again what has ended."""


@dataclass(frozen=True)
class Record:
    """What is remembered of a run."""

    what: str
    why: str = ""
    run: str = ""
    """Its run's id, as labels write it."""


class Records:
    """The records of runs. Each call raises ClusterError if the cluster refuses."""

    def __init__(self, client: ClusterClient) -> None:
        self._client = client

    async def get(self, ref: Ref) -> Record | None:
        """What is remembered of a run; None if nothing is."""
        try:
            told = await self._client.answered(lambda: self._client.json("GET", _path(ref)))
        except ClusterRefused as exc:
            if exc.not_found:
                return None
            raise
        data = mapping(told.get("data"))
        if RECORD not in mapping(mapping(told.get("metadata")).get("labels")):
            return None
        run = text(mapping(mapping(told.get("metadata")).get("labels")).get(RUN))
        return Record(text(data.get("what")), text(data.get("why")), run)

    async def put(self, ref: Ref, labels: Mapping[str, str], record: Record) -> None:
        """Remember it, in place of what was remembered before."""
        data = {"what": record.what, "why": shortened(record.why), "ref": str(ref)}
        body = {
            "metadata": {
                "name": _name(ref),
                "labels": {**labels, RECORD: record.what},
            },
            "data": data,
        }
        patch = {"metadata": {"labels": {**labels, RECORD: record.what}}, "data": data}

        async def once() -> None:
            try:
                await self._client.json("POST", CONFIG_MAPS.path(ref.namespace), body=body)
            except ClusterRefused as exc:
                if not exc.exists:
                    raise
                await self._client.json("PATCH", _path(ref), body=patch, content_type=MERGE)

        await self._client.answered(once)

    async def half_removed(self, namespace: str) -> Sequence[Ref]:
        """The runs at whose removal an agent was killed."""
        found = await self._listed(namespace, f"{RECORD}={OVER}")
        refs = [text(mapping(mapping(told).get("data")).get("ref")) for told in found]
        return [*filter(None, map(_parsed, refs))]

    async def prune(self, namespace: str) -> None:
        """Forget what is a day old: of runs of which nothing is left, and of those that were gone
        when they were to end, so that no object told which run they were.
        """
        for selector in (f"{RECORD}={CLEARED}", f"{RECORD} in ({CANCELLED},{LOST}),!{RUN}"):
            for told in await self._listed(namespace, selector):
                metadata = mapping(mapping(told).get("metadata"))
                if (name := text(metadata.get("name"))) and _is_old(metadata):
                    await self._remove(namespace, name)

    async def _listed(self, namespace: str, selector: str) -> Sequence[object]:
        path = CONFIG_MAPS.path(namespace)
        return await self._client.answered(
            lambda: self._client.listed(path, {"labelSelector": selector})
        )

    async def _remove(self, namespace: str, name: str) -> None:
        """Forget one."""
        try:
            await self._client.json("DELETE", CONFIG_MAPS.path(namespace, name))
        except ClusterRefused as exc:
            if not exc.not_found:
                raise


def run_labels(*objects: object) -> Mapping[str, str]:
    """The labels of a run, as the first of these objects tells that has them."""
    for told in objects:
        labels = mapping(mapping(mapping(told).get("metadata")).get("labels"))
        if RUN in labels:
            return {key: text(labels[key]) for key in labels if key.startswith(OURS)}
    return {}


def _parsed(ref: str) -> Ref | None:
    try:
        return Ref.parse(ref)
    except RunLost:
        return None


def _path(ref: Ref) -> str:
    return CONFIG_MAPS.path(ref.namespace, _name(ref))


def _name(ref: Ref) -> str:
    return f"{ref.name}-record"


def _is_old(metadata: Mapping[str, Any]) -> bool:
    try:
        made = datetime.fromisoformat(text(metadata.get("creationTimestamp")))
    except ValueError:
        return False
    return made.tzinfo is not None and datetime.now(UTC) - made > KEEP
