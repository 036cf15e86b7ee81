"""What becomes of that with which two do something at the same time, on PostgreSQL."""

from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from store.conftest import LEASE, Clock, Store, capacity, status
from store.meanwhile import STATEMENTS, Ends, Interrupted, meanwhile

from launchkit.abc import (
    Change,
    GiveUp,
    Hold,
    Move,
    PauseAgent,
    Release,
    ResumeAgent,
    SetPriority,
    Stop,
)
from launchkit.errors import Conflict, NotFound
from launchkit.model import Claim, ItemReport, ItemState, Priority, QueueItem
from launchkit.model.people import PrincipalKind, TokenFault
from launchkit.model.webhooks import Happens
from launchkit.store import (
    agent_changes,
    agents,
    archives,
    changes,
    claims,
    deliveries,
    events,
    launches,
    prune,
    queues,
    webhooks,
)
from launchkit.store.database import Body, Tx
from launchkit.store.opening import database_of
from launchkit.store.people import AddAccount
from launchkit.store.tokens import CreateToken, Proofs, RevokeToken, held_by
from launchkit.store.webhook_key import WebhookKey

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


@pytest.mark.parametrize("leave_first", [True, False])
async def test_a_pause_of_an_agent_that_leaves_meanwhile_is_kept_or_refused(
    store: Beside, leave_first: bool
) -> None:
    for after in STATEMENTS:
        await store.write(claims.Beat("e", status(), {}, LEASE))
        pause = agent_changes.Make("e", "a", PauseAgent(reason="no more"), "ann")
        leave = agents.Forget("e", "a", dead=False)
        if leave_first:
            _, paused = await store.both(leave, after, pause)
        else:
            paused, _ = await store.both(pause, after, leave)
        views = await store.database.read(agents.List("e"))
        if views:
            assert paused is None
            assert views[0].pause is not None
            await store.write(agent_changes.Make("e", "a", ResumeAgent(), "ann"))
        else:
            assert isinstance(paused, NotFound)


@pytest.mark.parametrize("remove_first", [True, False])
@pytest.mark.parametrize("what", ["test", "news"])
async def test_a_webhook_is_removed_with_the_messages_that_are_made_meanwhile(
    store: Beside, what: str, remove_first: bool
) -> None:
    await store.queue()
    for after in STATEMENTS:
        await store.write(_webhook())
        await store.launch()
        remove = webhooks.Remove("e", "w", "ann")
        make = await _make(store) if what == "news" else webhooks.SendTest("e", "w", "ann")
        if remove_first:
            removed, made = await store.both(remove, after, make)
        else:
            made, removed = await store.both(make, after, remove)
        assert removed is None
        assert not isinstance(made, Exception) or isinstance(made, NotFound)
        assert not await store.database.read(webhooks.List("e"))


def _webhook() -> webhooks.Create:
    return webhooks.Create(
        entity="e",
        name="w",
        url="https://example.com",
        events=[*Happens],
        actor="ann",
        key=WebhookKey(b"k" * 32),
    )


async def _make(store: Beside) -> deliveries.Make:
    (duty,) = await store.database.read(deliveries.Duties())
    return deliveries.Make(duty.webhook, await events.settled(store.database))


@pytest.mark.parametrize("collect_first", [True, False])
@pytest.mark.parametrize("known", [True, False])
async def test_code_that_is_said_to_be_known_while_others_are_collected_is_there(
    store: Beside, clock: Clock, known: bool, collect_first: bool
) -> None:
    piece = archives.Piece(number=0, size=4, checksum=None, place=None)
    for after in STATEMENTS:
        digest = f"{after:064x}"
        await store.write(archives.AddPiece(digest, f"{digest} ann", piece, b"code"))
        seal = archives.Seal(digest, "ann", [piece])
        if known:
            await store.write(seal)
        clock.now += 9
        collect = archives.Collect(clock.now - 1)
        if collect_first:
            _, sealed = await store.both(collect, after, seal)
        else:
            sealed, _ = await store.both(seal, after, collect)
        there = await store.database.read(archives.Look(digest, "bob"))
        assert (sealed, there.known, there.size) in [(True, True, 4), (False, False, 0)]


async def test_who_revokes_a_token_waits_for_nobody_who_reads_with_it(store: Beside) -> None:
    await store.write(AddAccount("bob", PrincipalKind.USER, "ann"))
    made = await store.write(CreateToken("bob", "ann"))

    async def read(tx: Tx) -> list[object]:
        before = await held_by(tx, made.secret)
        with anyio.fail_after(5):
            await store.write(RevokeToken(made.token.id, "ann"))
        return [before, await held_by(tx, made.secret)]

    found = await store.database.read(read)
    assert not any(isinstance(one, TokenFault) for one in found)
    assert await Proofs(store.database).prove(made.secret) is TokenFault.REVOKED
