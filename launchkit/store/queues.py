"""Queues: make, change, pause and remove them."""

from dataclasses import fields, replace
from typing import Literal, NamedTuple

from launchkit.abc import QueueView
from launchkit.codec import encode_json, suggest
from launchkit.errors import Conflict, NotFound, Rejected, Stale, hiding
from launchkit.model import ItemState, Pause, Priority, Queue, QueueSpec
from launchkit.plain_text import shortened
from launchkit.resolving.queue_checks import check_length, check_queue
from launchkit.shell_words import shell_argument, shell_word
from launchkit.store.database import Row, Tx
from launchkit.store.events import record, record_queue
from launchkit.store.queue_masks import kept_mask
from launchkit.store.rows import queue_of

Lock = Literal["", "_shared", "_locked"]
MOST = 2000
"""Queues of an entity."""
MOST_CHARACTERS = 8 * 2**20
"""Of all queues of an entity: they are read with each list of them."""
ENDED_AT_ONCE = 500
"""Waiting items of a queue that is removed, in one transaction, for which all others wait."""
MOST_OF_A_REASON = 4000
"""Characters of it."""


class Create(NamedTuple):
    """Make a queue."""

    entity: str
    spec: QueueSpec
    actor: str

    async def __call__(self, tx: Tx) -> Queue:
        check_queue(self.spec)
        if await tx.one("queue_named", entity=self.entity, name=self.spec.name):
            raise Conflict(
                f"there is a queue {self.spec.name!r} already",
                hint=f"change it with: launchkit queue edit {shell_word(self.spec.name)}",
            )
        await _require_room(tx, self.entity, self.spec)
        row = await tx.row("add_queue", entity=self.entity, **_columns(self.spec))
        await record_queue(tx, row, self.actor, "created")
        return queue_of(row)


class Update(NamedTuple):
    """Replace what a person decides about a queue."""

    entity: str
    spec: QueueSpec
    actor: str
    pause: Pause | None
    if_version: int | None

    async def __call__(self, tx: Tx) -> Queue:
        check_queue(self.spec)
        found = await named(tx, self.entity, self.spec.name, "_locked")
        old = queue_of(found)
        if self.if_version not in {None, old.version}:
            raise Stale(
                f"queue {old.name!r} was changed by somebody else meanwhile"
                f" (version {old.version}, not {self.if_version})",
                hint="look at it again, then repeat your change",
            )
        if len(encode_json(self.spec)) > len(encode_json(old.spec)):
            await _require_room(tx, self.entity, self.spec)
        pause = self.pause
        if pause is not None and pause != old.pause:
            reason = kept_reason(pause.reason, found)
            reason = kept_reason(reason, {**dict(found), "spec": encode_json(self.spec)})
            pause = replace(pause, by=self.actor, reason=reason)  # whatever name came with it
        row = await tx.row(
            "change_queue",
            id=old.id,
            pause=encode_json(pause) if pause else None,
            paused_until=pause.until if pause else None,
            **{k: v for k, v in _columns(self.spec).items() if k != "name"},
        )
        if old.spec.prioritization and not self.spec.prioritization:
            await tx.all("level_priorities", queue=old.id, priority=Priority.MEDIUM)
        await record_queue(tx, row, self.actor, _what_changed(old, self.spec, pause))
        return queue_of(row)


class Emptied(NamedTuple):
    """How many waiting items of a queue that is to be removed were stopped, and whether it is."""

    stopped: int
    removed: bool


class Delete(NamedTuple):
    """Remove a queue; its ended items stay visible. If more wait in it than others could wait for,
    only so many are stopped: it is to be done again.
    """

    entity: str
    name: str
    actor: str
    force: bool

    async def __call__(self, tx: Tx) -> Emptied:
        queue = await named(tx, self.entity, self.name, "_locked")
        await self._require_none_leased(tx, queue)
        waiting = await tx.all("open_items", queue=queue["id"], most=ENDED_AT_ONCE)
        await self._require_none_leased(tx, queue)  # that was claimed before it was locked
        if waiting and not self.force:
            counts = await count(tx, queue["id"])
            many = counts.get(ItemState.QUEUED, 0) + counts.get(ItemState.HELD, 0)
            raise Conflict(
                f"queue {self.name!r} has {many} launches waiting",
                hint="--force stops them and removes the queue",
            )
        for item in waiting:
            await end_waiting(tx, item, self.actor, f"queue {self.name} was deleted")
        if len(waiting) == ENDED_AT_ONCE:
            return Emptied(len(waiting), removed=False)
        await tx.all("delete_queue", id=queue["id"])
        await record_queue(tx, queue, self.actor, "deleted")
        return Emptied(len(waiting), removed=True)

    async def _require_none_leased(self, tx: Tx, queue: Row) -> None:
        if held := await leased(tx, queue["id"]):
            raise Conflict(
                f"queue {self.name!r} has {held} launches under way",
                hint="stop them or let them end first; pause the queue so that no more start",
            )


class Get(NamedTuple):
    """One queue with what is in it."""

    entity: str
    name: str

    async def __call__(self, tx: Tx) -> QueueView:
        row = await named(tx, self.entity, self.name)
        return QueueView(queue=queue_of(row), counts=await count(tx, row["id"]))


class Find(NamedTuple):
    """One queue, without counting what is in it and what was."""

    entity: str
    name: str

    async def __call__(self, tx: Tx) -> Queue:
        return queue_of(await named(tx, self.entity, self.name))


class List(NamedTuple):
    """All queues of an entity."""

    entity: str

    async def __call__(self, tx: Tx) -> list[QueueView]:
        rows = await tx.all("queues", entity=self.entity)
        return [QueueView(queue=queue_of(r), counts=await count(tx, r["id"])) for r in rows]


async def named(tx: Tx, entity: str, name: str, lock: Lock = "") -> Row:
    """The row of a queue; `_shared` keeps others from changing it until the transaction ends,
    `_locked` also from launching into it.

    :raises ConfigError: if it is longer than any name.
    :raises NotFound: if there is none.
    """
    check_length("queue", name)
    row = await tx.one(f"queue_named{lock}", entity=entity, name=name)
    if row is None:
        names = [r["name"] for r in await tx.all("queues", entity=entity)]
        near = suggest(name, names)
        raise NotFound(
            f"there is no queue {name!r} of {entity}; there are: {', '.join(names) or 'none'}",
            hint=f"did you mean {near!r}?"
            if near
            else "make it with:"
            f" launchkit queue create --resource local-process {shell_argument(name)}",
        )
    return row


async def _require_room(tx: Tx, entity: str, spec: QueueSpec) -> None:
    await tx.all("turn", what="queues", of=entity)
    others = await tx.row("size_of_queues", entity=entity, name=spec.name)
    if others["n"] >= MOST:
        raise Rejected(
            f"queue {spec.name!r}: {entity} has {others['n']} other queues, and may have {MOST} in"
            " all",
            hint="remove a queue that nobody needs",
        )
    together = others["size"] + len(encode_json(spec))
    if together > MOST_CHARACTERS:
        raise Rejected(
            f"queue {spec.name!r}: the queues of {entity} would have {together} characters"
            f" together, and may have {MOST_CHARACTERS}",
            hint="make its config smaller, or remove a queue that nobody needs",
        )


async def count(tx: Tx, queue: int) -> dict[ItemState, int]:
    """How many items are in each state."""
    rows = await tx.all("count_states", queue=queue)
    return {ItemState(row["state"]): row["n"] for row in rows}


async def leased(tx: Tx, queue: int) -> int:
    """How many items are under way: those with a lease, also one that has lapsed."""
    return int((await tx.row("count_leased", queue=queue))["n"])


def require_prioritization(queue: Row) -> None:
    """:raises Rejected: if a queue takes no priorities."""
    if not queue["prioritization"]:
        raise Rejected(
            f"queue {queue['name']!r} has no prioritization: its launches run first in, first out",
            hint="leave the priority out, or switch prioritization on with: launchkit queue edit",
        )


def kept_reason(reason: str, queue: Row) -> str:
    """What somebody gives as a reason, with `…` for each secret of a row of `queue` and for
    passwords in addresses: who reads it may not be who may read those. Of a very long one its
    beginning and its end.

    :raises NotLookedThrough: as `kept_mask` does.
    """
    from launchkit.addresses import masked

    mask = kept_mask(queue)
    with hiding(mask):
        return mask(masked(shortened(reason, MOST_OF_A_REASON)))


async def end_waiting(tx: Tx, item: Row, actor: str, cause: str) -> Row:
    """Stop an item that no agent holds."""
    row = await tx.row("stop_waiting", id=item["id"], verdict=_STOPPED, message=cause)
    await record(tx, item, "state", actor, cause, ItemState.STOPPED)
    return row


_STOPPED = '{"code":"stopped","summary":"Stopped before it started."}'


def _columns(spec: QueueSpec) -> dict[str, object]:
    return {
        "name": spec.name,
        "spec": encode_json(spec),
        "resource": spec.resource,
        "prioritization": int(spec.prioritization),
        "max_concurrent": spec.max_concurrent,
    }


def _what_changed(old: Queue, spec: QueueSpec, pause: Pause | None) -> str:
    if pause != old.pause:
        return f"paused: {pause.reason}" if pause else "resumed"
    known = [field.name for field in fields(spec)]
    names = [name for name in known if getattr(spec, name) != getattr(old.spec, name)]
    return f"changed {', '.join(names)}" if names else "saved unchanged"
