"""What must outlive an object: that its run was cancelled, or is over. A ConfigMap of its name, or
where the cluster refuses that, an annotation of the object for as long as it is there.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from launchkit.errors import RunLost
from launchkit.plain_text import shortened
from launchkit_kubernetes.cluster.client import MERGE, ClusterClient
from launchkit_kubernetes.cluster.discovery import CONFIG_MAPS
from launchkit_kubernetes.cluster.errors import ClusterRefused
from launchkit_kubernetes.manifest.build import NAME, RUN
from launchkit_kubernetes.manifest.names import Ref
from launchkit_kubernetes.runs.ends import annotations_of
from launchkit_kubernetes.runs.whose import Whose, labels_of, uid_of
from launchkit_kubernetes.status.shape import mapping, text

RECORD = "launchkit/record"
"""The label of all records, and the annotation in place of one."""
CANCELLED, LOST, OVER, CLEARED = "cancelled", "lost", "over", "cleared"
"""Its end is stored as OVER when it is to be removed, and as CLEARED when nothing is left of it."""
KNOWN = frozenset({CANCELLED, LOST, OVER, CLEARED})
DIGEST = 12
"""Letters that tell the records of one name apart."""
KEEP = timedelta(days=1)
"""How long an agent that slept is kept from starting again what has ended."""


NOBODYS = Whose(labels={})


@dataclass(frozen=True)
class Record:
    """What is remembered of a run."""

    what: str
    why: str = ""
    whose: Whose = NOBODYS
    """As its labels tell."""

    @property
    def notes(self) -> Mapping[str, str]:
        """The annotation of the root object that tells it."""
        return {RECORD: f"{self.what} {shortened(self.why)}".rstrip()}


class Records:
    """The records of runs. Each call raises ClusterError if the cluster refuses."""

    def __init__(self, client: ClusterClient) -> None:
        self._client = client

    async def get(
        self, ref: Ref, whose: Whose, root: Mapping[str, Any] | None = None
    ) -> Record | None:
        """What is remembered of a run, on record or beside its *root* object."""
        found = await self._client.answered(partial(self._own, ref, whose))
        if found is not None:
            return _record(found)
        return _beside(root) if root is not None and whose.is_root(root) else None

    async def of(self, ref: Ref) -> Sequence[Record]:
        """What is remembered of all runs that had an object of this name, the newest last."""
        found = await self._listed(ref.namespace, f"{NAME}={ref.name},{RECORD}")
        own = [told for told in map(mapping, found) if _ref(told) == str(ref)]
        own.sort(key=lambda told: text(mapping(told.get("metadata")).get("creationTimestamp")))
        return [*map(_record, own)]

    async def put(self, ref: Ref, whose: Whose, what: str, why: str = "") -> None:
        """Remember it, in place of what was remembered before of this run. What others have under
        the name of the record refuses it.
        """
        data = {"what": what, "why": shortened(why), "ref": str(ref), "uid": whose.uid}
        labels, name = {**whose.labels, RECORD: what}, _name(ref, whose)
        body = {"metadata": {"name": name, "labels": labels}, "data": data}

        async def once() -> None:
            try:
                await self._client.one("POST", CONFIG_MAPS.path(ref.namespace), body=body)
            except ClusterRefused as exc:
                if not exc.exists or (found := await self._own(ref, whose)) is None:
                    raise
                patch = {"metadata": {"uid": uid_of(found), "labels": labels}, "data": data}
                path = CONFIG_MAPS.path(ref.namespace, name)
                await self._client.one("PATCH", path, body=patch, content_type=MERGE)

        await self._client.answered(once)

    async def half_removed(self, namespace: str) -> Sequence[tuple[Ref, Whose]]:
        """The runs at whose removal an agent was killed."""
        found = await self._listed(namespace, f"{RECORD}={OVER}")
        each = [(_parsed(_ref(told)), _record(told).whose) for told in map(mapping, found)]
        return [(ref, whose) for ref, whose in each if ref is not None]

    async def prune(self, namespace: str, clear: Callable[[Ref, Whose], Awaitable[None]]) -> None:
        """Forget what is a day old: of runs of which nothing is left, once *clear* has seen to what
        earlier agents may have left all the same; and of those that were gone when they were to
        end, so that no object told which run they were.
        """
        for selector in (f"{RECORD}={CLEARED}", f"{RECORD} in ({CANCELLED},{LOST}),!{RUN}"):
            for told in map(mapping, await self._listed(namespace, selector)):
                metadata = mapping(told.get("metadata"))
                name, ref = text(metadata.get("name")), _parsed(_ref(told))
                if not name or not _is_old(metadata):
                    continue
                if ref is not None and RUN in labels_of(told):
                    await clear(ref, _record(told).whose)
                await self._client.remove(CONFIG_MAPS.path(namespace, name), uid_of(told))

    async def _listed(self, namespace: str, selector: str) -> Sequence[object]:
        path = CONFIG_MAPS.path(namespace)
        return await self._client.answered(
            lambda: self._client.listed(path, {"labelSelector": selector})
        )

    async def _own(self, ref: Ref, whose: Whose) -> Mapping[str, Any] | None:
        """The record of a run; None if there is none, or another's object in its place."""
        found = await self._client.find(CONFIG_MAPS.path(ref.namespace, _name(ref, whose)))
        is_own = found is not None and RECORD in labels_of(found) and whose.owns(found)
        return found if is_own else None


def _beside(root: Mapping[str, Any]) -> Record | None:
    what, _, why = text(annotations_of(root).get(RECORD)).partition(" ")
    return Record(what, why, Whose.of(root) or NOBODYS) if what in KNOWN else None


def _record(told: Mapping[str, Any]) -> Record:
    data = mapping(told.get("data"))
    whose = Whose.of(told) or NOBODYS
    known = replace(whose, uid=text(data.get("uid")))
    return Record(text(data.get("what")), text(data.get("why")), known)


def _ref(told: Mapping[str, Any]) -> str:
    return text(mapping(told.get("data")).get("ref"))


def _parsed(ref: str) -> Ref | None:
    try:
        return Ref.parse(ref)
    except RunLost:
        return None


def _name(ref: Ref, whose: Whose) -> str:
    """Runs whose objects have one name after the other have records of their own."""
    digest = hashlib.sha256(whose.selector.encode()).hexdigest()[:DIGEST]
    return f"{ref.name}-{digest}-record"


def _is_old(metadata: Mapping[str, Any]) -> bool:
    try:
        made = datetime.fromisoformat(text(metadata.get("creationTimestamp")))
    except ValueError:
        return False
    return made.tzinfo is not None and datetime.now(UTC) - made > KEEP
