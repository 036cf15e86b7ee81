"""Launches: look at them, stop them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from launchkit.abc import ItemView, Selection
from launchkit.errors import Conflict, NotFound
from launchkit.model import Event, ItemState, QueueItem
from launchkit.resolving.queue_checks import check_length
from launchkit.store import rules, topics
from launchkit.store.agents import agents_for
from launchkit.store.database import Row, Tx
from launchkit.store.events import record
from launchkit.store.orders import beginning, cursor, scope, start_of, statement
from launchkit.store.outputs import outputs_of
from launchkit.store.places import Places
from launchkit.store.queues import end_waiting, kept_reason, leased
from launchkit.store.rows import event_of, item_of, queue_of, size_of

if TYPE_CHECKING:
    from launchkit.abc import Stop as Wanted

PAGE = 500
"""Events that are read at once."""
MOST_CHARACTERS = 8 * 2**20
"""Of what is stored of the items of a page: one alone may have half as many."""
AT_ONCE = 8
"""Items that are read before it is known how large they are."""
NONE_HINT = "see: launchkit ls; what ended long ago may have been removed by: launchkit store prune"


class Get(NamedTuple):
    """One item, by any of its names, with its outputs."""

    entity: str
    ref: str

    async def __call__(self, tx: Tx) -> ItemView:
        row = await find(tx, self.entity, self.ref)
        outputs = await outputs_of(tx, row["id"], row["attempt"])
        return replace(await view(tx, row), outputs=outputs)


class List(NamedTuple):
    """Items, a page of them, without what was sent to their runners. If those that are wanted are
    larger than a page may be, it ends before, and says so.
    """

    entity: str
    selection: Selection

    async def __call__(self, tx: Tx) -> list[ItemView]:
        wanted = self.selection
        start, behind = start_of(wanted), beginning(wanted.order, wanted.reverse)
        if start.ref is not None:
            last = await find(tx, self.entity, start.ref)
            behind = {"seq": last["seq"], "level": last["priority"]}
        moment = tx.now if start.moment is None else start.moment
        values = {"value": start.value, "moment": moment, **behind}
        found = await tx.all(statement(wanted), **values, **_filters(self.entity, wanted))
        rows = await _as_many_as_fit(tx, found)
        reasons: dict[int, str] = {}
        places = Places(tx)
        return [
            replace(
                await view(tx, row, reasons, places),
                cursor=cursor(wanted.order, one, moment),
                cut=number == len(rows) < len(found),
            )
            for number, (one, row) in enumerate(zip(found, rows, strict=False), start=1)
        ]


async def _as_many_as_fit(tx: Tx, found: Sequence[Row]) -> Sequence[Row]:
    """The first of those that were found, whole: as many as a page holds, and one at least."""
    rows: list[Row] = []
    room = MOST_CHARACTERS
    for begin in range(0, len(found), AT_ONCE):
        seqs = [one["seq"] for one in found[begin : begin + AT_ONCE]]
        read = {row["seq"]: row for row in await tx.all("items_listed", seqs=json.dumps(seqs))}
        for seq in seqs:
            room -= size_of(read[seq])
            if room < 0 and rows:
                return rows
            rows.append(read[seq])
    return rows


class Count(NamedTuple):
    """How many items a selection matches, up to its limit; where it begins does not count."""

    entity: str
    selection: Selection

    async def __call__(self, tx: Tx) -> int:
        row = await tx.row(
            f"items_count{scope(self.selection)}",
            **beginning("newest"),
            **_filters(self.entity, self.selection),
        )
        return int(row["n"])


def _filters(entity: str, selection: Selection) -> Mapping[str, str | float | None]:
    for what in ("queue", "author", "not_queue", "not_author", "agent", "name"):
        check_length(what, getattr(selection, what))
    states = selection.states
    return {
        "entity": entity,
        "queue": selection.queue,
        "states": json.dumps([str(s) for s in states]) if states is not None else None,
        "author": selection.author,
        "not_queue": selection.not_queue,
        "not_author": selection.not_author,
        "agent": selection.agent,
        "name": selection.name,
        "since": selection.since,
        "limit": selection.limit,
    }


class Stop(NamedTuple):
    """Ask that a launch end; once, and once more that it end without its grace."""

    entity: str
    ref: str
    actor: str
    wish: "Wanted"

    async def __call__(self, tx: Tx) -> QueueItem:
        row, queue = await locked(tx, self.entity, self.ref)
        state = ItemState(row["state"])
        if state.ended:
            return item_of(row, queue["name"])
        reason = self.wish.reason
        if reason:
            reason = kept_reason(reason, queue)
        cause = reason or "stop requested"
        if row["lease_until"] is None:
            ended = await end_waiting(tx, row, self.actor, cause)
            return item_of(ended, queue["name"])
        if row["stop_by"] is None or self.wish.now > row["stop_now"]:
            at_once = int(self.wish.now)
            await tx.all(
                "want_stop", id=row["id"], actor=self.actor, reason=reason, at_once=at_once
            )
            await record(tx, row, "stop", self.actor, f"{cause}, at once" if at_once else cause)
            tx.publish(topics.of_agent(self.entity, row["agent"]))
            row = await tx.row("item_locked", id=row["id"])
        return item_of(row, queue["name"])


class Events(NamedTuple):
    """What happened to an item since event *since*, a page of it. Who writes an event of an item
    holds the item's row, so these are numbered in the order in which they can be read.
    """

    entity: str
    item_id: str
    since: int

    async def __call__(self, tx: Tx) -> list[Event]:
        rows = await tx.all(
            "events_of_item", entity=self.entity, item=self.item_id, since=self.since, limit=PAGE
        )
        return [event_of(row) for row in rows]


class NewestOf(NamedTuple):
    """What happened to an item, no more than a page of it: the newest."""

    entity: str
    item_id: str

    async def __call__(self, tx: Tx) -> list[Event]:
        rows = await tx.all(
            "newest_events_of_item", entity=self.entity, item=self.item_id, limit=PAGE
        )
        return [event_of(row) for row in reversed(rows)]


class Newest(NamedTuple):
    """What happened lately to the items of an entity, after event *since* and up to *until*."""

    entity: str
    since: int
    until: int

    async def __call__(self, tx: Tx) -> list[Event]:
        rows = await tx.all("newest_events", entity=self.entity, since=self.since, until=self.until)
        return [event_of(row) for row in reversed(rows)]


class Next(NamedTuple):
    """What happened to the items of an entity after event *since* and up to *until*, a page of it
    in order.
    """

    entity: str
    since: int
    until: int

    async def __call__(self, tx: Tx) -> list[Event]:
        rows = await tx.all(
            "next_events", entity=self.entity, since=self.since, until=self.until, limit=PAGE
        )
        return [event_of(row) for row in rows]


async def find(tx: Tx, entity: str, ref: str, part: Literal["item", "head"] = "item") -> Row:
    """The row of an item, by item id, run id or a run name that only one has; of its *head* the id,
    the state and the attempt alone: the rest may be large.

    :raises ConfigError: if it is longer than any name.
    :raises NotFound: if there is none.
    :raises Conflict: if several launches have that name.
    """
    check_length("launch", ref)
    row = await tx.one(f"{part}_of_id", entity=entity, ref=ref)
    if row is not None:
        return row
    rows = await tx.all(f"{part}s_named", entity=entity, ref=ref)
    if not rows:
        raise _none(entity, ref)
    if len(rows) > 1:
        ids = ", ".join(row["run_id"] for row in rows)
        raise Conflict(f"several launches are named {ref!r}: {ids}", hint="name one by its id")
    return rows[0]


async def locked(tx: Tx, entity: str, ref: str) -> tuple[Row, Row]:
    """The row of an item, which nobody else changes until the transaction ends, and that of the
    queue that it is in then.

    :raises LaunchkitError: as `find` does.
    """
    found = await find(tx, entity, ref, "head")
    row = await tx.one("item_locked", id=found["id"])
    if row is None:
        raise _none(entity, ref)
    return row, await tx.row("queue_of", id=row["queue_id"])


def _none(entity: str, ref: str) -> NotFound:
    return NotFound(f"there is no launch {ref!r} of {entity}", hint=NONE_HINT)


async def view(
    tx: Tx, row: Row, reasons: dict[int, str] | None = None, places: Places | None = None
) -> ItemView:
    """An item with its position, and why it waits, what goes on in it, or how it ended. *reasons*
    keeps why nothing is claimed from a queue, *places* who stands where, for others in it.
    """
    reasons = {} if reasons is None else reasons
    item = item_of(row, row["queue"])
    if item.state is ItemState.HELD:
        return ItemView(item=item, reason=item.message)
    if row["lease_until"] is not None and row["lease_until"] <= tx.now:
        return ItemView(item=item, reason=rules.silent(item, row["site"]))
    if item.stop_requested and not item.state.ended:
        return ItemView(item=item, reason=rules.stopping(item))
    if item.state is not ItemState.QUEUED:
        return ItemView(item=item, reason=item.verdict.code if item.verdict else item.message)
    place = await (places or Places(tx)).of(row)
    if row["queue_id"] not in reasons:
        reasons[row["queue_id"]] = await _waiting(tx, row)
    return ItemView(item=item, position=place, reason=reasons[row["queue_id"]])


async def _waiting(tx: Tx, row: Row) -> str:
    """Why an item that is queued was not claimed yet: the same for all in its queue."""
    queue = await tx.row("queue_of", id=row["queue_id"])
    here = await agents_for(tx, queue)
    return rules.waiting(queue_of(queue), await leased(tx, queue["id"]), here, tx.now)
