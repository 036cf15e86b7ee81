"""Claims: hand items to agents under leases, and take their reports. Each write names its token."""

import json
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from launchkit.codec import encode_json
from launchkit.model import (
    AgentCapacity,
    AgentOrders,
    AgentStatus,
    Claim,
    ItemReport,
    ItemState,
    Queue,
    StopOrder,
    Verdict,
)
from launchkit.store import rules, topics
from launchkit.store.agent_room import make_room
from launchkit.store.agents import require_session, status_text
from launchkit.store.database import Answer, AtOnce, Body, Loose, Row, Tx
from launchkit.store.events import record
from launchkit.store.hindrance import pause_of
from launchkit.store.queues import leased, named
from launchkit.store.rows import item_of, queue_of
from launchkit.store.stale import lost, lost_item

T = TypeVar("T")


@dataclass(frozen=True)
class Take(AtOnce[Claim | None]):
    """Claim the next item of a queue. One whose agent fell silent comes first: it holds a place
    that was given already, so neither a pause nor a limit is in its way. An agent that is paused
    itself is given back what it held, and nothing else.
    """

    statement = "claim_at_once"

    entity: str
    queue: str
    capacity: AgentCapacity
    lease: float
    claim_id: str | None = None
    """The same one gives the same claim again, while that is held."""
    session: str | None = None
    """The agent's registration: one that was replaced is refused."""

    def values(self, now: float) -> Mapping[str, object]:
        """The values of the one statement."""
        return {
            "entity": self.entity,
            "name": self.queue,
            "resources": sorted(self.capacity.resources),
            "horizon": rules.horizon(now, self.lease),
            "site": self.capacity.site,
            "agent": self.capacity.agent,
            "until": now + self.lease,
            "claim_id": self.claim_id,
            "session": self.session,
        }

    def answer(self, row: Row | None) -> Answer[Claim | None] | None:
        """The claim; the body explains what is refused, keeps to a limit, and gives again."""
        if row is None or row["given"] or row["replaced"] or row["q_max_concurrent"] is not None:
            return None
        if row["seq"] is None:
            return Answer(None, ())
        fields = dict(row).items()
        queue = {name.removeprefix("q_"): value for name, value in fields if name.startswith("q_")}
        return Answer(self._claim(row, queue), (topics.of_item(self.entity, row["id"]),))

    async def __call__(self, tx: Tx) -> Claim | None:
        queue = await named(tx, self.entity, self.queue)
        await require_session(tx, self.entity, self.capacity.agent, self.session)
        if given := await self._given(tx, queue):
            return self._claim(given, queue)
        if queue["resource"] not in self.capacity.resources:
            return None
        pause = await pause_of(tx, self.entity, self.capacity.agent)
        lapsed = await tx.one(
            "pick_lapsed",
            queue=queue["id"],
            horizon=rules.horizon(tx.now, self.lease),
            site=self.capacity.site,
            own=self.capacity.agent if pause else None,
        )
        if lapsed is not None:
            return await self._lease(tx, queue, lapsed)
        if pause or rules.blocked(queue_of(queue), await self._leased(tx, queue), tx.now):
            return None
        waiting = await tx.one("pick_waiting", queue=queue["id"])
        return await self._lease(tx, queue, waiting) if waiting else None

    async def _given(self, tx: Tx, queue: Row) -> Row | None:
        if self.claim_id is None:
            return None
        return await tx.one(
            "claim_given",
            entity=self.entity,
            agent=self.capacity.agent,
            claim_id=self.claim_id,
            queue=queue["id"],
            until=tx.now + self.lease,
        )

    async def _leased(self, tx: Tx, queue: Row) -> int:
        if queue["max_concurrent"] is None:
            return 0
        await named(tx, self.entity, self.queue, "_locked")
        return await leased(tx, queue["id"])

    async def _lease(self, tx: Tx, queue: Row, picked: Row) -> Claim:
        item = await tx.row(
            "claim_item",
            seq=picked["seq"],
            agent=self.capacity.agent,
            until=tx.now + self.lease,
            claim_id=self.claim_id,
        )
        if picked["agent"] is None:
            await record(tx, item, "state", self.capacity.agent, "claimed", ItemState.CLAIMED)
        else:
            cause = rules.taken_again(picked["agent"], self.capacity.agent)
            await record(tx, item, "lease", self.capacity.agent, cause)
        return self._claim(item, queue)

    def _claim(self, item: Row, queue: Row) -> Claim:
        return Claim(
            item=item_of(item, queue["name"]),
            queue=queue_of(queue),
            token=item["token"],
            lease=self.lease,
            lapses=item["lapses"],
        )


@dataclass(frozen=True)
class TopicsOf(Loose):
    """The topics of some queues."""

    entity: str
    queues: Collection[str]

    async def __call__(self, tx: Tx) -> list[str]:
        rows = [await named(tx, self.entity, name) for name in self.queues]
        return [f"queue:{row['id']}" for row in rows]


@dataclass(frozen=True)
class Outlook:
    """What some queues hold in store for an agent."""

    worth: tuple[str, ...]
    """Those that `Take` would give something from, as far as one can tell without taking it; and
    those that were paused or resumed, which the agent should know.
    """
    after: float
    """Seconds after which this may change though nothing is written: a lease or a pause ends."""
    told: bool = False
    """Whether something waits of which only others were told."""
    common: bool = False
    """Whether others who can run the same, and know of the same pauses, would find nothing either;
    but for what is written of themselves.
    """


@dataclass(frozen=True)
class LookOut(Loose):
    """See what some queues hold in store for an agent."""

    entity: str
    queues: Collection[str]
    capacity: AgentCapacity
    lease: float
    paused: Mapping[str, bool] = field(default_factory=dict)
    """Whether the agent knows of a pause, its own or theirs, for each that it was told of."""
    session: str | None = None
    told: Mapping[str, int] = field(default_factory=dict)
    """Of how many that wait in each queue other agents were told, and have not claimed them yet."""

    async def __call__(self, tx: Tx) -> Outlook:
        worth = []
        told = False
        common = True
        after = math.inf
        for name in self.queues:
            row = await self._outlook(tx, name)
            queue = queue_of(row)
            pause = rules.paused(queue.pause, tx.now)
            paused = pause is not None or row["agent_pause"] is not None
            unknown = self.paused.get(name, paused) is not paused
            spare = self._spare(row, queue, tx.now)
            if unknown or spare > 0:
                worth.append(name)
            told = told or -math.inf < spare <= 0
            common = common and row["agent_pause"] is None and not row["lapsed_anywhere"]
            ends = (row["next_lapse"], pause.until if pause else None)
            after = min([after, *(at - tx.now for at in ends if at is not None)])
        return Outlook(tuple(worth), after, told, common and not worth)

    async def _outlook(self, tx: Tx, name: str) -> Row:
        row = await tx.one(
            "outlook",
            entity=self.entity,
            name=name,
            agent=self.capacity.agent,
            site=self.capacity.site,
            horizon=rules.horizon(tx.now, self.lease),
            limit=self.told.get(name, 0) + 1,
        )
        if row is None:
            return await named(tx, self.entity, name)  # which tells what there is
        if row["agent_session"] != self.session:
            await require_session(tx, self.entity, self.capacity.agent, self.session)
        return row

    def _spare(self, row: Row, queue: Queue, now: float) -> float:
        """How much there is beyond what others were told of, as far as one needs to know; -inf if
        there is nothing at all.
        """
        if row["resource"] not in self.capacity.resources:
            return -math.inf
        if row["lapsed"]:
            return 1
        if row["agent_pause"] is not None:
            return -math.inf
        if not row["waiting"] or rules.blocked(queue, row["leased"], now):
            return -math.inf
        return float(row["waiting"] - self.told.get(row["name"], 0))


class Holding(NamedTuple, Generic[T]):
    """Do for a claim, of which only the item's id and the token are known, what *act* does for a
    whole one. Of an item in none of the *queues* nothing is told, not even that there is one.

    :raises LeaseLost: if the claim is not held.
    """

    entity: str
    item_id: str
    token: int
    lease: float
    act: Callable[[Claim], Body[T]]
    queues: frozenset[str] | None = None
    """Those that the one who asks is bound to; None if it is not."""

    async def __call__(self, tx: Tx) -> T:
        row = await tx.one("item_held", entity=self.entity, id=self.item_id)
        if row is None or row["token"] != self.token:
            raise lost_item(self.item_id, row if self._has(row) else None)
        queue = queue_of(await tx.row("queue_of", id=row["queue_id"]))
        item = item_of(row, row["queue"])
        claim = Claim(item=item, queue=queue, token=self.token, lease=self.lease)
        return await self.act(claim)(tx)

    def _has(self, row: Row | None) -> bool:
        return self.queues is None or (row is not None and row["queue"] in self.queues)


class Report(NamedTuple):
    """Store a new fact about a claimed item."""

    claim: Claim
    report: ItemReport

    async def __call__(self, tx: Tx) -> None:
        new = self.report
        row = await tx.one("held_item", id=self.claim.item.id, token=self.claim.token)
        if row is None or row["lease_until"] is None:
            if row is not None and row["state"] == new.state:
                return  # the same report again: its answer was lost
            raise lost(self.claim, await tx.one("item_locked", id=self.claim.item.id))
        if new.state in _WAITING and row["stop_by"] is not None:
            new = ItemReport(state=ItemState.STOPPED, message=new.message, verdict=_STOPPED)
        await tx.all("update_item", id=row["id"], **columns(row, new, tx.now))
        agent = row["agent"]
        for warning in new.warnings:
            await record(tx, row, "warning", agent, warning)
        if new.state != row["state"]:
            await record(tx, row, "state", agent, new.message, new.state)
        elif new.message and new.message != row["message"]:
            await record(tx, row, "progress", agent, new.message)
        if new.state.ended or new.state in _WAITING:
            tx.publish(f"queue:{row['queue_id']}", topics.of_log(row["entity"], row["id"]))


class Beat(NamedTuple):
    """Renew leases, say what the agent does, and hear its orders."""

    entity: str
    status: AgentStatus
    held: Mapping[str, int]
    """The token of each item that is to be kept."""
    lease: float
    session: str | None = None
    queues: frozenset[str] | None = None
    """Those that the agent is bound to; None if it is not."""

    async def __call__(self, tx: Tx) -> AgentOrders:
        await require_session(tx, self.entity, self.status.name, self.session)
        name, status = self.status.name, status_text(self.status)
        await make_room(tx, self.entity, name, status)
        seen = await tx.one("see_agent", entity=self.entity, name=name, status=status)
        held = json.dumps([*self.held.items()])
        rows = await tx.all(
            "renew_leases",
            entity=self.entity,
            agent=self.status.name,
            held=held,
            until=tx.now + self.lease,
            queues=None if self.queues is None else json.dumps([*self.queues]),
        )
        orders = await tx.all("stop_orders", entity=self.entity, agent=self.status.name)
        return AgentOrders(
            stop=tuple(
                StopOrder(
                    item_id=row["id"],
                    by=row["stop_by"],
                    reason=row["stop_reason"],
                    now=bool(row["stop_now"]),
                )
                for row in orders
                if self.queues is None or row["queue"] in self.queues
            ),
            lost=frozenset(self.held) - {row["id"] for row in rows},
            drain=bool(seen and seen["drain"]),
        )


@dataclass(frozen=True)
class Over(Loose):
    """Of some items those whose attempt is over, of all queues or some: of those that were moved
    into another one since, if the attempt was claimed in one of these.
    """

    entity: str
    attempts: Mapping[str, int]
    queues: frozenset[str] | None = None

    async def __call__(self, tx: Tx) -> frozenset[str]:
        rows = await tx.all("stand_of", entity=self.entity, items=json.dumps([*self.attempts]))
        over = [
            row
            for row in rows
            if row["ended_at"] is not None or row["attempt"] > self.attempts[row["id"]]
        ]
        moved = {row["id"] for row in over if not self._has(row)}
        told = {row["id"] for row in over} - moved
        return frozenset(told | await self._claimed_here(tx, moved))

    def _has(self, row: Row) -> bool:
        return self.queues is None or row["queue"] in self.queues

    async def _claimed_here(self, tx: Tx, moved: Collection[str]) -> frozenset[str]:
        if not moved:
            return frozenset()
        rows = await tx.all("claimed_in", items=json.dumps([*moved]))
        here = [row for row in rows if row["attempt"] == self.attempts[row["id"]]]
        return frozenset(row["id"] for row in here if self._has(row))


_WAITING = frozenset({ItemState.QUEUED, ItemState.HELD})
_STOPPED = Verdict(code="stopped", summary="Stopped before it was tried again.")


def columns(row: Row, new: ItemReport, now: float) -> dict[str, object]:
    """What of an item's row a report changes."""
    released = new.state.ended or new.state in _WAITING
    requeued = new.state is ItemState.QUEUED
    started = rules.started_at(new, row["started_at"], row["created_at"], now)
    return {
        "state": new.state,
        "attempt": row["attempt"] + int(new.next_attempt),
        "lease_until": None if released else row["lease_until"],
        "agent": None if requeued else row["agent"],
        "site": None if requeued else new.site or row["site"],
        "ref": None if requeued else new.ref or row["ref"],
        "message": new.message or (row["message"] if new.state == row["state"] else None),
        "exit_code": row["exit_code"] if new.exit_code is None else new.exit_code,
        "verdict": encode_json(new.verdict) if new.verdict else row["verdict"],
        "resolved": encode_json(new.resolved) if new.resolved else row["resolved"],
        "started_at": started,
        "ended_at": rules.ended_at(new, started, now) if new.state.ended else None,
    }
