"""What becomes of a launch with which two do something at the same time, on PostgreSQL."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from store.conftest import LEASE, Clock, Store, capacity
from store.meanwhile import STATEMENTS, Ends, Interrupted, meanwhile

from launchkit.abc import Change, GiveUp, Hold, Move, Release, SetPriority, Stop
from launchkit.errors import Conflict, NotFound
from launchkit.model import Claim, ItemReport, ItemState, Priority, QueueItem
from launchkit.store import changes, claims, launches, prune, queues
from launchkit.store.database import Body, Tx
from launchkit.store.opening import database_of

SECRET = "hunter2hunter2"
DELETE = queues.Delete("e", "q", "ann", force=True)
COUNTED, FOUND = 2, 3
"""Statements of it: how many are under way was asked, and what waits was found."""
STATEMENTS_OF_PRUNE = 7


class Beside(Store):
    """A store in which the one runs in the midst of the other."""

    url: str

    async def both(self, first: Body[Any], after: int, second: Body[Any]) -> Ends:
        return await meanwhile(self.database, self.url, first, after, second)

    async def has(self, queue: str) -> bool:
        return queue in {view.queue.name for view in await self.database.read(queues.List("e"))}


@pytest.fixture
async def store(postgres_url: str, clock: Clock) -> AsyncIterator[Beside]:
    database = database_of(postgres_url, clock)
    async with database.opened():
        store = Beside(database, clock)
        store.url = postgres_url
        yield store


def take() -> claims.Take:
    return claims.Take("e", "q", capacity(), LEASE)


def change(item: QueueItem, what: Change) -> changes.Make:
    return changes.Make("e", item.id, what, "ann")


@pytest.mark.parametrize("limit", [None, 5])
@pytest.mark.parametrize("claim_first", [True, False])
async def test_a_launch_is_claimed_or_its_queue_is_removed(
    store: Beside, limit: int | None, claim_first: bool
) -> None:
    for after in STATEMENTS:
        await store.queue(max_concurrent=limit)
        item = await store.launch()
        if claim_first:
            claimed, removed = await store.both(take().__call__, after, DELETE)
        else:
            removed, claimed = await store.both(DELETE, after, take())
        await _assert_is_claimed_or_removed(store, item, removed, claimed)
        if isinstance(claimed, Claim):
            await store.report(claimed, ItemState.FINISHED)
            await store.write(DELETE)


async def _assert_is_claimed_or_removed(
    store: Beside, item: QueueItem, removed: object, claimed: object
) -> None:
    state = (await store.item(item.id)).state
    if isinstance(claimed, Claim):
        assert "has 1 launches under way" in str(removed)
        assert (state, await store.has("q")) == (ItemState.CLAIMED, True)
    else:
        assert removed == queues.Emptied(1, removed=True)
        assert (state, await store.has("q")) == (ItemState.STOPPED, False)


async def test_what_waits_again_while_its_queue_is_removed_keeps_it(store: Beside) -> None:
    await store.queue()
    item = await store.launch()
    await store.launch("another")
    claimed: list[Claim] = []

    async def claim() -> None:
        claimed.append(await store.claimed())

    async def delete(tx: Tx) -> queues.Emptied:
        return await DELETE(Interrupted(tx, COUNTED, claim))

    async def give_back(tx: Tx) -> None:
        await claims.Report(claimed[0], ItemReport(state=ItemState.QUEUED, next_attempt=True))(tx)

    ends = await store.both(delete, FOUND, give_back)
    assert isinstance(ends.first, Conflict)
    assert ends.second is None
    assert (await store.item(item.id)).state is ItemState.QUEUED
    assert await store.has("q")


@pytest.mark.parametrize(
    "what",
    [
        Stop(),
        Hold(reason="later"),
        Release(),
        SetPriority(level=Priority.HIGH),
        Move(queue="third"),
        Move(queue="q"),
    ],
    ids=repr,
)
async def test_what_is_moved_at_that_moment_is_changed_all_the_same(
    store: Beside, what: Change
) -> None:
    for name in ("q", "other", "third"):
        await store.queue(name, prioritization=True)
    await _look_through(store, "q", "other")
    for after in STATEMENTS:
        item = await store.launch()
        ends = await store.both(change(item, Move(queue="other")), after, change(item, what))
        assert isinstance(ends.second, QueueItem)
        last = await store.item(item.id)
        so = {
            Stop: last.state is ItemState.STOPPED,
            Hold: last.state is ItemState.HELD,
            Release: last.state is ItemState.QUEUED,
            SetPriority: last.priority is Priority.HIGH,
            Move: last.queue in {"other", getattr(what, "queue", None)},
        }
        assert so[type(what)]


async def _look_through(store: Beside, *names: str) -> None:
    """Once what is secret in a queue is known, no transaction begins anew to know it."""
    for name in names:
        await store.write(change(await store.launch(queue=name), Hold(reason="later")))


async def test_what_is_moved_while_it_is_given_up_is_told_to_wait(store: Beside) -> None:
    await store.queue()
    await store.queue("other")
    for after in STATEMENTS:
        item = await store.launch()
        give_up = change(item, GiveUp(reason="gone"))
        ends = await store.both(change(item, Move(queue="other")), after, give_up)
        assert "no agent has it" in str(ends.second)


async def test_what_is_removed_while_it_is_stopped_is_not_found(
    store: Beside, clock: Clock
) -> None:
    await store.queue()
    item = await store.launch()
    stop = change(item, Stop())
    await store.write(stop)
    ends = await store.both(prune.Prune(clock.now + 1), STATEMENTS_OF_PRUNE, stop)
    assert isinstance(ends.second, NotFound)


@pytest.mark.parametrize("what", [Hold(reason=f"has {SECRET}"), Stop(reason=f"has {SECRET}")])
@pytest.mark.parametrize("move_first", [True, False])
async def test_a_reason_is_kept_without_the_secrets_of_the_queue_that_it_is_told_in(
    store: Beside, what: Change, move_first: bool
) -> None:
    await store.queue()
    await store.queue("other", config={"env": {"PASSWORD": SECRET}})
    await _look_through(store, "q", "other")
    for after in STATEMENTS:
        item = await store.launch()
        both = change(item, what), change(item, Move(queue="other"))
        first, second = reversed(both) if move_first else both
        await store.both(first, after, second)
        events = await store.database.read(launches.Events("e", item.id, 0))
        kinds = [one.kind for one in events]
        moved = kinds.index("queue") if "queue" in kinds else len(kinds)
        assert SECRET not in " ".join(one.cause or "" for one in events[moved:])


async def test_no_priority_is_set_in_a_queue_without_that_a_launch_is_moved_to_meanwhile(
    store: Beside,
) -> None:
    await store.queue(prioritization=True)
    await store.queue("plain")
    for after in STATEMENTS:
        item = await store.launch()
        high = change(item, SetPriority(level=Priority.HIGH))
        await store.both(high, after, change(item, Move(queue="plain")))
        last = await store.item(item.id)
        assert (last.queue, last.priority) == ("plain", Priority.MEDIUM)
