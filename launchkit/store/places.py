"""The places of items in their queues."""

from dataclasses import dataclass, field

from launchkit.store.database import Row, Tx


@dataclass(frozen=True)
class Places:
    """The places of queued items that one transaction looks at. Each is counted from the last that
    was asked for, so that a page of a long queue counts what waits there once, not once an item.
    """

    tx: Tx
    _known: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    """Of a queue and a priority: the number of an item, and its place."""

    async def of(self, row: Row) -> int:
        """The place of an item: 1 is the next that is claimed."""
        queue, priority, seq = row["queue_id"], row["priority"], row["seq"]
        known = self._known.get((queue, priority))
        if known is None:
            found = await self.tx.row("position", queue=queue, priority=priority, seq=seq)
            place: int = found["n"]
        else:
            near, place = known
            above, upto = sorted((near, seq))
            between = await self.tx.row(
                "queued_between", queue=queue, priority=priority, above=above, upto=upto
            )
            place += between["n"] if seq > near else -between["n"]
        self._known[queue, priority] = (seq, place)
        return place
