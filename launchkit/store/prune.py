"""Removes launches that ended long ago, with all that is kept of them."""

import json
from dataclasses import dataclass
from typing import NamedTuple

from launchkit.store.database import Database, Loose, Tx

BATCH = 200
"""Launches that are removed in one transaction: others want to write, too."""


@dataclass(frozen=True)
class Boundary(Loose):
    """The Unix time before which launches ended that are to go: those older than *seconds*, and all
    but the *keep* that ended last. None if none are.
    """

    seconds: float | None = None
    keep: int | None = None

    async def __call__(self, tx: Tx) -> float | None:
        times = [] if self.seconds is None else [tx.now - self.seconds]
        if self.keep == 0:
            times.append(tx.now)
        elif self.keep is not None:
            row = await tx.one("kept_since", keep=self.keep - 1)
            times += [row["ended_at"]] if row else []
        return max(times, default=None)


@dataclass(frozen=True)
class Count(Loose):
    """How many launches ended before a Unix time."""

    before: float

    async def __call__(self, tx: Tx) -> int:
        return int((await tx.row("count_ended", before=self.before))["n"])


class Prune(NamedTuple):
    """Remove some of them: what is kept of them first. Gives how many."""

    before: float
    limit: int = BATCH

    async def __call__(self, tx: Tx) -> int:
        rows = await tx.all("ended_items", before=self.before, limit=self.limit)
        items = json.dumps([row["id"] for row in rows])
        for what in ("events", "logs", "outputs", "requeues", "tokens"):
            await tx.all(f"drop_{what}_of", items=items)
        return len(await tx.all("drop_items", items=items))


async def prune(database: Database, before: float) -> int:
    """Remove all launches that ended before a Unix time; gives how many. One that is cut short may
    be repeated.
    """
    removed = 0
    while done := await database.write(Prune(before)):
        removed += done
    return removed
