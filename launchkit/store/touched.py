"""What was touched: the launches and queues to look at again, without what happened to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from launchkit.store.database import Tx

PAGE = 200
"""Events of which the launches and queues are named; of more, it is only told that they are."""


@dataclass(frozen=True)
class Glance:
    """What was touched since some event."""

    last: int
    """The event after which to look next."""
    items: Sequence[str] = ()
    queues: Sequence[str] = ()
    all: bool = False
    """Too much happened to name it."""

    def __bool__(self) -> bool:
        return self.all or bool(self.items or self.queues)


class Touched(NamedTuple):
    """What was touched in an entity after event *since* and up to *until*."""

    entity: str
    since: int
    until: int

    async def __call__(self, tx: Tx) -> Glance:
        rows = await tx.all(
            "touched", entity=self.entity, since=self.since, until=self.until, limit=PAGE + 1
        )
        if len(rows) > PAGE:
            return Glance(self.until, all=True)
        items = dict.fromkeys(row["item_id"] for row in rows if row["item_id"] is not None)
        queues = dict.fromkeys(row["queue"] for row in rows)
        return Glance(self.until, [*items], [*queues])
