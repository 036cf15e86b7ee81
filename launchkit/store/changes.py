"""What a person changes about a launch that exists. An agent's word on it goes first: what is under
way is not touched.
"""

from functools import partial
from typing import NamedTuple

from launchkit.abc import Change, GiveUp, Hold, LaunchRequest, Move, Release, SetPriority, Stop
from launchkit.errors import Conflict
from launchkit.model import ItemState, Priority, QueueItem
from launchkit.resolving.queue_checks import check_length
from launchkit.resolving.resolve import validate_launch
from launchkit.shell_words import shell_word
from launchkit.store import launches, submitting
from launchkit.store.database import Row, Tx
from launchkit.store.events import record
from launchkit.store.queue_masks import kept_mask
from launchkit.store.queues import kept_reason, named, require_prioritization
from launchkit.store.rows import item_of, queue_of

WAITING = frozenset({ItemState.QUEUED, ItemState.HELD})


class Make(NamedTuple):
    """Make a change, once: an item that is so already stays as it is."""

    entity: str
    ref: str
    change: Change
    actor: str

    async def __call__(self, tx: Tx) -> QueueItem:
        if isinstance(self.change, Stop):
            stop = launches.Stop(self.entity, self.ref, self.actor, self.change)
            return await stop(tx)
        if isinstance(self.change, GiveUp):
            from launchkit.store import giving_up

            end = giving_up.End(self.entity, self.ref, self.actor, self.change.reason)
            return await end(tx)
        if isinstance(self.change, Move):
            return await self._move(tx, self.change.queue)
        row, queue = await self._waiting(tx)
        if isinstance(self.change, SetPriority):
            require_prioritization(queue)
            await self._set_priority(tx, row, self.change.level)
        else:
            await self._hold_or_release(tx, row, queue, self.change)
        return await _as_it_is(tx, row, queue)

    async def _waiting(self, tx: Tx) -> tuple[Row, Row]:
        row, queue = await launches.locked(tx, self.entity, self.ref)
        _require_waiting(row)
        return row, queue

    async def _move(self, tx: Tx, name: str) -> QueueItem:
        _require_waiting(await launches.find(tx, self.entity, self.ref, "head"))
        queue = await named(tx, self.entity, name, "_shared")
        row, former = await self._waiting(tx)
        if queue["id"] == former["id"]:
            return item_of(row, name)
        validate_launch(
            queue_of(queue).spec, item_of(row, name).spec, mask=partial(kept_mask, queue)
        )
        priority = row["priority"] if queue["prioritization"] else Priority.MEDIUM
        await tx.all("move_item", id=row["id"], queue=queue["id"], priority=priority)
        cause = f"moved to queue {name}, was in {former['name']}"
        await record(tx, {**dict(row), "queue_id": queue["id"]}, "queue", self.actor, cause)
        tx.publish(f"queue:{queue['id']}", f"queue:{former['id']}")
        return await _as_it_is(tx, row, queue)

    async def _hold_or_release(self, tx: Tx, row: Row, queue: Row, change: Hold | Release) -> None:
        state, cause, message = ItemState.QUEUED, "released", None
        if isinstance(change, Hold):
            state, cause = ItemState.HELD, kept_reason(change.reason, queue)
            message = f"held by {self.actor}: {cause}"
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


class Requeue(NamedTuple):
    """Put one that is held back into its queue; launch one that has ended again: once per key."""

    entity: str
    ref: str
    actor: str
    idempotency_key: str | None = None

    async def __call__(self, tx: Tx) -> QueueItem:
        check_length("idempotency key", self.idempotency_key)
        row = await launches.find(tx, self.entity, self.ref)
        of = {"item": row["id"], "key": self.idempotency_key}
        if self.idempotency_key and await tx.one("requeue_of_key", **of):
            return item_of(row, row["queue"])
        if not ItemState(row["state"]).ended:
            item = await Make(self.entity, row["id"], Release(), self.actor)(tx)
            if self.idempotency_key:
                await tx.all("add_requeue", **of)
            return item
        queue = queue_of(await named(tx, self.entity, row["queue"], "_shared"))
        request = LaunchRequest.repeating(
            item_of(row, queue.name), queue.spec, self.actor, self.idempotency_key
        )
        return await submitting.Launch(self.entity, queue.name, request)(tx)


async def _as_it_is(tx: Tx, row: Row, queue: Row) -> QueueItem:
    return item_of(await tx.row("item_locked", id=row["id"]), queue["name"])


def _require_waiting(row: Row) -> None:
    """:raises Conflict: if an item has ended or is under way."""
    state = ItemState(row["state"])
    if state.ended:
        raise Conflict(
            f"launch {row['id']} has ended: {state}",
            hint=f"launch it again with: launchkit requeue {shell_word(row['id'])}",
        )
    if state not in WAITING:
        raise Conflict(
            f"launch {row['id']} is under way: {state}",
            hint="only what waits can be changed; to end it:"
            f" launchkit stop {shell_word(row['id'])}",
        )
