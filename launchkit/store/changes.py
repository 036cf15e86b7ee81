"""What a person changes about a launch that exists. An agent's word on it goes first: what is under
way is not touched.
"""

from dataclasses import dataclass

from launchkit.abc import Change, Hold, Release, SetPriority, Stop
from launchkit.errors import Conflict
from launchkit.model import ItemState, Priority, QueueItem
from launchkit.store import launches
from launchkit.store.database import Row, Tx
from launchkit.store.events import record
from launchkit.store.queues import named, require_prioritization
from launchkit.store.rows import item_of

WAITING = frozenset({ItemState.QUEUED, ItemState.HELD})


@dataclass(frozen=True)
class Make:
    """Make a change, once: an item that is so already stays as it is."""

    entity: str
    ref: str
    change: Change
    actor: str

    async def __call__(self, tx: Tx) -> QueueItem:
        if isinstance(self.change, Stop):
            stop = launches.Stop(self.entity, self.ref, self.actor, self.change.reason)
            return await stop(tx)
        found = await launches.find(tx, self.entity, self.ref)
        _require_waiting(found)
        queue = await named(tx, self.entity, found["queue"], "_shared")
        row = await tx.row("item_locked", id=found["id"])
        _require_waiting(row)
        if isinstance(self.change, SetPriority):
            require_prioritization(queue)
            await self._set_priority(tx, row, self.change.level)
        else:
            await self._move(tx, row, self.change)
        changed = await tx.row("item_locked", id=row["id"])
        return item_of(changed, row["queue"])

    async def _move(self, tx: Tx, row: Row, change: Hold | Release) -> None:
        state, cause, message = ItemState.QUEUED, "released", None
        if isinstance(change, Hold):
            state, cause = ItemState.HELD, change.reason
            message = f"held by {self.actor}: {change.reason}"
        if row["state"] == state:
            return
        await tx.all("change_waiting", id=row["id"], state=state, message=message)
        await record(tx, row, "state", self.actor, cause, state)
        tx.publish(f"queue:{row['queue_id']}")

    async def _set_priority(self, tx: Tx, row: Row, level: Priority) -> None:
        before = Priority(row["priority"])
        if level == before:
            return
        await tx.all("change_priority", id=row["id"], priority=level)
        cause = f"{level.name.lower()}, was {before.name.lower()}"
        await record(tx, row, "priority", self.actor, cause)


def _require_waiting(row: Row) -> None:
    """:raises Conflict: if an item has ended or is under way."""
    state = ItemState(row["state"])
    if state.ended:
        raise Conflict(
            f"launch {row['id']} has ended: {state}",
            hint=f"launch it again with: launchkit requeue {row['id']}",
        )
    if state not in WAITING:
        raise Conflict(
            f"launch {row['id']} is under way: {state}",
            hint=f"only what waits can be changed; to end it: launchkit stop {row['id']}",
        )
