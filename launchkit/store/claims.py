"""Claims: hand items to agents under leases, and take their reports. Each write names its token."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from launchkit.codec import encode_json
from launchkit.errors import LeaseLost
from launchkit.model import (
    AgentCapacity,
    AgentOrders,
    AgentStatus,
    Claim,
    ItemReport,
    ItemState,
    StopOrder,
    Verdict,
)
from launchkit.store import rules
from launchkit.store.database import Answer, AtOnce, Row, Tx
from launchkit.store.events import record
from launchkit.store.queues import leased, named
from launchkit.store.rows import item_of, queue_of


@dataclass(frozen=True)
class Take(AtOnce[Claim | None]):
    """Claim the next item of a queue. One whose agent fell silent comes first: it holds a place
    that was given already, so neither a pause nor a limit is in its way.
    """

    statement = "claim_at_once"

    entity: str
    queue: str
    capacity: AgentCapacity
    lease: float

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
        }

    def answer(self, row: Row | None) -> Answer[Claim | None] | None:
        """The claim; the body explains a missing queue, and keeps to a limit."""
        if row is None or row["q_max_concurrent"] is not None:
            return None
        if row["seq"] is None:
            return Answer(None, ())
        fields = dict(row).items()
        queue = {name.removeprefix("q_"): value for name, value in fields if name.startswith("q_")}
        return Answer(self._claim(row, queue), (f"item:{row['id']}",))

    async def __call__(self, tx: Tx) -> Claim | None:
        queue = await named(tx, self.entity, self.queue)
        if queue["resource"] not in self.capacity.resources:
            return None
        horizon = rules.horizon(tx.now, self.lease)
        lapsed = await tx.one(
            "pick_lapsed", queue=queue["id"], horizon=horizon, site=self.capacity.site
        )
        if lapsed is not None:
            return await self._lease(tx, queue, lapsed)
        if rules.blocked(queue_of(queue), await self._leased(tx, queue), tx.now):
            return None
        waiting = await tx.one("pick_waiting", queue=queue["id"])
        return await self._lease(tx, queue, waiting) if waiting else None

    async def _leased(self, tx: Tx, queue: Row) -> int:
        if queue["max_concurrent"] is None:
            return 0
        await named(tx, self.entity, self.queue, "_locked")
        return await leased(tx, queue["id"])

    async def _lease(self, tx: Tx, queue: Row, picked: Row) -> Claim:
        item = await tx.row(
            "claim_item", seq=picked["seq"], agent=self.capacity.agent, until=tx.now + self.lease
        )
        if picked["agent"] is None:
            await record(tx, item, "state", self.capacity.agent, "claimed", ItemState.CLAIMED)
        else:
            cause = f"taken over: agent {picked['agent']} fell silent"
            await record(tx, item, "lease", self.capacity.agent, cause)
        return self._claim(item, queue)

    def _claim(self, item: Row, queue: Row) -> Claim:
        return Claim(
            item=item_of(item, queue["name"]),
            queue=queue_of(queue),
            token=item["token"],
            lease=self.lease,
        )


@dataclass(frozen=True)
class Report:
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
        await tx.all("update_item", id=row["id"], **_columns(row, new, tx.now))
        agent = row["agent"]
        for warning in new.warnings:
            await record(tx, row, "warning", agent, warning)
        if new.state != row["state"]:
            await record(tx, row, "state", agent, new.message, new.state)
        elif new.message and new.message != row["message"]:
            await record(tx, row, "progress", agent, new.message)
        if new.state.ended or new.state in _WAITING:
            tx.publish(f"queue:{row['queue_id']}", f"log:{row['id']}")


@dataclass(frozen=True)
class Beat:
    """Renew leases, say what the agent does, and hear its orders."""

    entity: str
    status: AgentStatus
    held: Collection[Claim]
    lease: float

    async def __call__(self, tx: Tx) -> AgentOrders:
        seen = await tx.one(
            "see_agent",
            entity=self.entity,
            name=self.status.name,
            status=encode_json(self.status),
        )
        held = json.dumps([[claim.item.id, claim.token] for claim in self.held])
        rows = await tx.all("renew_leases", held=held, until=tx.now + self.lease)
        orders = await tx.all("stop_orders", entity=self.entity, agent=self.status.name)
        return AgentOrders(
            stop=tuple(
                StopOrder(item_id=row["id"], by=row["stop_by"], reason=row["stop_reason"])
                for row in orders
            ),
            lost=frozenset(claim.item.id for claim in self.held) - {row["id"] for row in rows},
            drain=bool(seen and seen["drain"]),
        )


@dataclass(frozen=True)
class Blocked:
    """Why a queue gives nothing although items may wait in it."""

    entity: str
    queue: str
    capacity: AgentCapacity

    async def __call__(self, tx: Tx) -> str | None:
        queue = await named(tx, self.entity, self.queue)
        resource = queue["resource"]
        if resource in self.capacity.unable:
            return f"queue {self.queue} waits: {self.capacity.unable[resource]}"
        if resource not in self.capacity.resources:
            return f"queue {self.queue} needs a runner for {resource}, which is not installed"
        return rules.blocked(queue_of(queue), await leased(tx, queue["id"]), tx.now)


def lost(claim: Claim, row: Row | None) -> LeaseLost:
    """The error for a write with a stale token; *row* is the item as it is, if there is one."""
    ended = row is not None and ItemState(row["state"]).ended
    why = "has ended" if ended else "is held by another agent by now"
    return LeaseLost(f"launch {claim.item.id} {why}", ended=ended)


_WAITING = frozenset({ItemState.QUEUED, ItemState.HELD})
_STOPPED = Verdict(code="stopped", summary="Stopped before it was tried again.")


def _columns(row: Row, new: ItemReport, now: float) -> dict[str, object]:
    released = new.state.ended or new.state in _WAITING
    requeued = new.state is ItemState.QUEUED
    starts = new.state is ItemState.RUNNING and row["started_at"] is None
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
        "resolved": json.dumps(new.resolved) if new.resolved else row["resolved"],
        "started_at": now if starts else row["started_at"],
        "ended_at": now if new.state.ended else None,
    }
