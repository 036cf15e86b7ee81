"""How long launches waited before they ran, of late: what charts and percentiles are made from."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from launchkit.store.database import Tx

MOST = 3000
"""Launches that are looked at of those that started, gave up and wait, each: of those that wait the
oldest, of the others the latest.
"""
MOST_FAILED = 1000


class Wait(NamedTuple):
    """The time, in Unix seconds, between a launch and the start of its run."""

    queue: int
    since: float
    until: float | None
    """When it started, or ended without; None if it waits."""
    started: bool


class Waits(NamedTuple):
    """The launches of an entity that did not run yet at some time since then; of one *queue*, by
    its id, or of all.
    """

    entity: str
    since: float
    queue: int | None = None

    async def __call__(self, tx: Tx) -> Sequence[Wait]:
        found: list[Wait] = []
        for statement in ("started_since", "given_up_since", "not_started"):
            rows = await tx.all(
                statement, entity=self.entity, since=self.since, queue=self.queue, limit=MOST
            )
            started = statement == "started_since"
            found += [
                Wait(row["queue_id"], row["created_at"], row["until"], started) for row in rows
            ]
        return found


def cut_short(found: Iterable[Wait]) -> bool:
    """Whether there may be more launches of a kind than are looked at."""
    kinds = Counter((one.started, one.until is None) for one in found)
    return any(many >= MOST for many in kinds.values())


class Failed(NamedTuple):
    """How many launches of an entity failed since then, up to `MOST_FAILED`."""

    entity: str
    since: float

    async def __call__(self, tx: Tx) -> int:
        row = await tx.row(
            "count_failed_since", entity=self.entity, since=self.since, limit=MOST_FAILED
        )
        return int(row["n"])
