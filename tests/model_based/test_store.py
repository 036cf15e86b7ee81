"""Whatever happens, in whatever order, the store agrees with the reference and keeps its word."""

import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

import anyio
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from model_based.reference import ENDS, LEASE, NEXT, UNDER_WAY, Item, Queue
from sampling import EACH_NTH

from launchkit.abc import Hold, LaunchRequest, Release, Selection, SetPriority, Stop
from launchkit.errors import Conflict, LeaseLost, Rejected
from launchkit.model import (
    Claim,
    Event,
    ItemReport,
    ItemState,
    Pause,
    Priority,
    QueueSpec,
)
from launchkit.store import agents, changes, claims, launches, queues, submitting
from launchkit.store.database import Database, Row, Tx
from launchkit.store.opening import database_of
from launchkit.store.orders import beginning
from launchkit.store.queue_masks import written
from launchkit.testing import VirtualClock, make_capacity, make_spec, make_status

T = TypeVar("T")
SITES = {"a": "here", "b": "here", "c": "there"}
JUMPS = (1.0, LEASE - 1, LEASE + 1, 3 * LEASE, -1.0, -LEASE, -3 * LEASE)
AGENTS = st.sampled_from([*SITES])
PRIORITIES = st.sampled_from([None, *Priority])
SETTINGS = settings(
    max_examples=120 // EACH_NTH,
    stateful_step_count=50,
    database=None,
    derandomize="CI" in os.environ,
)


@dataclass(frozen=True)
class Seen:
    """All that a store knows of one queue, in one look."""

    entity: str
    since: int

    async def __call__(self, tx: Tx) -> tuple[list[Row], list[Event], int]:
        queue = await queues.named(tx, self.entity, "q")
        values = {**beginning("newest"), **vars(Selection(limit=1000))}
        found = await tx.all("items_newest", entity=self.entity, **values)
        rows = await tx.all("items_listed", seqs=json.dumps([one["seq"] for one in found]))
        events = await launches.Newest(self.entity, self.since, 2**62)(tx)
        return sorted(rows, key=itemgetter("seq")), events, await queues.leased(tx, queue["id"])


class StoreMachine(RuleBasedStateMachine):
    """Does the same to a store and to the reference."""

    examples = 0

    def __init__(self, database: Database, clock: VirtualClock) -> None:
        super().__init__()
        StoreMachine.examples += 1
        self.entity = f"e{StoreMachine.examples}"  # an empty place in a database in use
        self.database = database
        self.clock = clock
        clock.now = 1_000_000.0
        self.model = Queue()
        self.ids: list[str] = []
        self.given: list[tuple[int, Claim]] = []
        self.events: list[Event] = []
        self.tokens: dict[str, int] = {}
        self.write(queues.Create(self.entity, self.spec(), "ann"))

    def write(self, body: Callable[[Tx], Awaitable[T]]) -> T:
        return anyio.from_thread.run(written, self.database, body)

    def spec(self) -> QueueSpec:
        return QueueSpec(
            name="q",
            resource="local-process",
            prioritization=self.model.prioritization,
            max_concurrent=self.model.limit,
        )

    @initialize(
        priorities=st.lists(PRIORITIES, min_size=3, max_size=6),
        claimers=st.lists(AGENTS, min_size=1, max_size=4),
    )
    def begin(self, priorities: list[Priority | None], claimers: list[str]) -> None:
        for priority in priorities:
            self.launch(priority)
        for agent in claimers:
            self.claim(agent)

    @rule(priority=PRIORITIES)
    def launch(self, priority: Priority | None) -> None:
        request = LaunchRequest(spec=make_spec(), actor="ann", priority=priority)
        body = submitting.Launch(self.entity, "q", request)
        if priority is not None and not self.model.prioritization:
            with pytest.raises(Rejected):
                self.write(body)
            return
        self.ids.append(self.write(body).id)
        self.model.launch(priority)

    @rule(agent=AGENTS)
    def claim(self, agent: str) -> None:
        claim = self.write(self.taking(agent))
        item = self.model.take(agent, SITES[agent], self.clock())
        self.check_claims([claim], [item])

    @rule(agent=AGENTS, many=st.integers(2, 4))
    def claim_at_once(self, agent: str, many: int) -> None:
        claims = anyio.from_thread.run(self.race, agent, many)
        items = [self.model.take(agent, SITES[agent], self.clock()) for _ in range(many)]
        self.check_claims(claims, items)

    @precondition(lambda self: self.good())
    @rule(data=st.data(), again=st.booleans(), bound=st.booleans())
    def report(self, data: st.DataObject, again: bool, bound: bool) -> None:
        number, claim = data.draw(st.sampled_from(self.good()))
        state = data.draw(st.sampled_from(sorted(NEXT[self.model.items[number].state])))
        again = again and state is ItemState.QUEUED
        site = SITES[claim.item.agent or ""] if bound and state in UNDER_WAY else None
        self.reported(number, claim, ItemReport(state=state, next_attempt=again, site=site))

    @precondition(lambda self: self.given)
    @rule(data=st.data(), state=st.sampled_from(ItemState))
    def report_of_any_claim(self, data: st.DataObject, state: ItemState) -> None:
        number, claim = data.draw(st.sampled_from(self.given))
        item = self.model.items[number]
        good = item.token == claim.token and item.until is not None
        self.reported(number, claim, ItemReport(state=item.state if good else state))

    @rule(agent=AGENTS, data=st.data())
    def beat(self, agent: str, data: st.DataObject) -> None:
        mine = [one for one in self.given if one[1].item.agent == agent]
        held = data.draw(st.lists(st.sampled_from(mine), unique_by=lambda one: one[0])
                         if mine else st.just([]))  # fmt: skip
        tokens = {claim.item.id: claim.token for _, claim in held}
        body = claims.Beat(self.entity, make_status(agent), tokens, LEASE)
        orders = self.write(body)
        wanted = self.model.beat(agent, [(n, claim.token) for n, claim in held], self.clock())
        stop = {self.ids.index(order.item_id) for order in orders.stop if self.known(order.item_id)}
        assert len(stop) == len(orders.stop), "an order for an item of somebody else"
        assert (stop, {self.ids.index(one) for one in orders.lost}) == wanted

    @precondition(lambda self: self.ids)
    @rule(data=st.data())
    def stop(self, data: st.DataObject) -> None:
        item = self.an_item(data)
        self.write(launches.Stop(self.entity, self.ids[item.number], "bob", Stop()))
        self.model.stop(item)

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), hold=st.booleans())
    def hold_or_release(self, data: st.DataObject, hold: bool) -> None:
        item = self.an_item(data)
        change = Hold(reason="wait") if hold else Release()
        allowed = self.model.move(item, ItemState.HELD if hold else ItemState.QUEUED)
        body = changes.Make(self.entity, self.ids[item.number], change, "bob")
        self.expect(body, Conflict, allowed=allowed)

    @precondition(lambda self: self.ids and self.model.prioritization)
    @rule(data=st.data(), level=st.sampled_from(Priority))
    def set_priority(self, data: st.DataObject, level: Priority) -> None:
        item = self.an_item(data)
        allowed = item.state in {ItemState.QUEUED, ItemState.HELD}
        body = changes.Make(self.entity, self.ids[item.number], SetPriority(level=level), "bob")
        self.expect(body, Conflict, allowed=allowed)
        if allowed:
            item.priority = level

    @rule(seconds=st.sampled_from([0.0, LEASE, None]))
    def pause(self, seconds: float | None) -> None:
        until = None if seconds is None else self.clock() + seconds
        self.model.pause = Pause(reason="r", by="ann", at=self.clock(), until=until)
        self.update()

    @precondition(lambda self: self.model.pause)
    @rule()
    def resume(self) -> None:
        self.model.pause = None
        self.update()

    @rule(limit=st.sampled_from([None, None, None, 0, 1, 2]))
    def set_limit(self, limit: int | None) -> None:
        self.model.limit = limit
        self.update()

    @rule()
    def toggle_prioritization(self) -> None:
        if self.model.prioritization:
            self.model.level()
        self.model.prioritization = not self.model.prioritization
        self.update()

    @rule(agent=AGENTS, dead=st.booleans())
    def leave(self, agent: str, dead: bool) -> None:
        self.write(agents.Forget(self.entity, agent, dead))
        if dead:
            self.model.reap(agent, self.clock())

    @rule(seconds=st.sampled_from(JUMPS))
    def jump(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @invariant()
    def agrees(self) -> None:
        since = self.events[-1].id if self.events else 0
        rows, events, used = anyio.from_thread.run(self.database.read, Seen(self.entity, since))
        self.events += events
        assert [row["id"] for row in rows] == self.ids
        assert used == sum(row["lease_until"] is not None for row in rows) == self.model.used()
        for row, item in zip(rows, self.model.items, strict=True):
            self.check_row(row, item)
            self.check_promises(row)

    def check_row(self, row: Row, item: Item) -> None:
        stored = (row["state"], row["attempt"], row["token"], row["lease_until"], row["priority"],
                  row["agent"], row["site"], row["stop_by"] is not None)  # fmt: skip
        assert stored == (item.state, item.attempt, item.token, item.until, item.priority,
                          item.agent, item.site, item.stop)  # fmt: skip
        states = [e.state for e in self.events if e.item_id == row["id"] and e.kind == "state"]
        assert states == item.history, "a state without an event"

    def check_promises(self, row: Row) -> None:
        state = ItemState(row["state"])
        assert (row["lease_until"] is not None) == (state in UNDER_WAY)
        assert (row["ended_at"] is not None) == (state in ENDS)
        assert not (row["stop_by"] and state in {ItemState.QUEUED, ItemState.HELD})
        live = [c for _, c in self.given if c.item.id == row["id"] and c.token == row["token"]]
        assert len(live) <= 1, "two live leases"
        assert row["token"] >= self.tokens.get(row["id"], 0)
        self.tokens[row["id"]] = row["token"]
        states = [e.state for e in self.events if e.item_id == row["id"] and e.state]
        assert all(new in NEXT[old] for old, new in pairwise(states))

    def check_claims(self, found: list[Claim | None], wanted: list[Item | None]) -> None:
        given = {self.ids.index(claim.item.id): claim for claim in found if claim}
        numbers = sorted(item.number for item in wanted if item)
        assert sorted(given) == numbers, "another order"
        for number in numbers:
            claim = given[number]
            assert claim.token > self.tokens.get(claim.item.id, 0)
            assert claim.item.attempt == self.model.items[number].attempt
            self.given.append((number, claim))

    def taking(self, agent: str) -> claims.Take:
        return claims.Take(self.entity, "q", make_capacity(agent, SITES[agent]), LEASE)

    async def race(self, agent: str, many: int) -> list[Claim | None]:
        found: list[Claim | None] = []

        async def take() -> None:
            found.append(await self.database.write(self.taking(agent)))

        async with anyio.create_task_group() as tasks:
            for _ in range(many):
                tasks.start_soon(take)
        return found

    def update(self) -> None:
        body = queues.Update(self.entity, self.spec(), "ann", self.model.pause, None)
        self.write(body)

    def expect(self, body: Callable[[Tx], Awaitable[Any]], error: type, *, allowed: bool) -> None:
        if allowed:
            self.write(body)
        else:
            with pytest.raises(error):
                self.write(body)

    def reported(self, number: int, claim: Claim, report: ItemReport) -> None:
        accepted = self.model.report(self.model.items[number], claim.token, report)
        self.expect(claims.Report(claim, report), LeaseLost, allowed=accepted)

    def known(self, item: str) -> bool:
        return item in self.ids

    def an_item(self, data: st.DataObject) -> Item:
        return data.draw(st.sampled_from(self.model.items))

    def good(self) -> list[tuple[int, Claim]]:
        """The claims that still hold, with the numbers of their items."""
        items = self.model.items
        return [(n, c) for n, c in self.given if items[n].token == c.token and items[n].until]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/launchkit.db"
    return str(request.getfixturevalue("postgres_url"))


async def test_the_store_agrees_with_its_reference_whatever_happens(url: str) -> None:
    clock = VirtualClock()
    database = database_of(url, clock)

    def explore() -> None:
        run_state_machine_as_test(lambda: StoreMachine(database, clock), settings=SETTINGS)

    async with database.opened():
        await anyio.to_thread.run_sync(explore)
