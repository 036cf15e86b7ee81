"""Backends whose orders, news, output or locks are wrong."""

import json
from collections.abc import AsyncIterator, Collection
from dataclasses import replace
from typing import ClassVar

import anyio

from launchkit.abc import QueueBackend
from launchkit.errors import NotFound
from launchkit.model import (
    AgentCapacity,
    AgentOrders,
    AgentStatus,
    Claim,
)
from mutants.backend_items import Backend

HOUR = 3600.0


class RenewsTheFirstOnly(Backend):
    async def beat(self, status: AgentStatus, held: Collection[Claim], wait: float) -> AgentOrders:
        return await super().beat(status, [*held][:1], wait)


class OrdersOnce(Backend):
    given: ClassVar[set[str]] = set()

    async def beat(self, status: AgentStatus, held: Collection[Claim], wait: float) -> AgentOrders:
        orders = await super().beat(status, held, wait)
        stop = tuple(order for order in orders.stop if order.item_id not in self.given)
        self.given.update(order.item_id for order in stop)
        return replace(orders, stop=stop)


class BeatNeverWaits(Backend):
    async def beat(self, status: AgentStatus, held: Collection[Claim], wait: float) -> AgentOrders:
        return await super().beat(status, held, 0)


class BeatWaitsForEver(Backend):
    async def beat(self, status: AgentStatus, held: Collection[Claim], wait: float) -> AgentOrders:
        while True:
            orders = await super().beat(status, held, HOUR if wait else 0)
            if not wait or orders.stop or orders.lost:
                return orders


class BeatWaitsFirst(Backend):
    async def beat(self, status: AgentStatus, held: Collection[Claim], wait: float) -> AgentOrders:
        await super().beat(status, held, 0)
        await anyio.sleep(wait)
        return await super().beat(status, held, 0)


class BeatIsNotWoken(Backend):
    async def beat(self, status: AgentStatus, held: Collection[Claim], wait: float) -> AgentOrders:
        orders = await super().beat(status, held, 0)
        if orders.stop or orders.lost:
            return orders
        await anyio.sleep(wait)
        return await super().beat(status, held, 0)


class BeatRenewsAfterTheWait(Backend):
    async def beat(self, status: AgentStatus, held: Collection[Claim], wait: float) -> AgentOrders:
        if wait:
            orders = await super().beat(status, [], wait)
            if orders.stop:
                return orders
        return await super().beat(status, held, 0)


class BeatTellsOfLossLate(Backend):
    async def beat(self, status: AgentStatus, held: Collection[Claim], wait: float) -> AgentOrders:
        orders = await super().beat(status, held, 0)
        if orders.stop or not wait:
            return orders
        return await super().beat(status, [], wait)


class NothingIsLost(Backend):
    async def beat(self, status: AgentStatus, held: Collection[Claim], wait: float) -> AgentOrders:
        return replace(await super().beat(status, held, wait), lost=frozenset())


class AllIsLost(Backend):
    async def beat(self, status: AgentStatus, held: Collection[Claim], wait: float) -> AgentOrders:
        orders = await super().beat(status, held, wait)
        return replace(orders, lost=frozenset(c.item.id for c in held)) if orders.lost else orders


class IdleBeatIsNoSign(Backend):
    async def beat(self, status: AgentStatus, held: Collection[Claim], wait: float) -> AgentOrders:
        if not held:
            await anyio.sleep(wait)
            return AgentOrders()
        return await super().beat(status, held, wait)


class AlwaysDrains(Backend):
    async def beat(self, status: AgentStatus, held: Collection[Claim], wait: float) -> AgentOrders:
        return replace(await super().beat(status, held, wait), drain=True)


class NoRestAfterDrain(Backend):
    async def beat(self, status: AgentStatus, held: Collection[Claim], wait: float) -> AgentOrders:
        orders = await super().beat(status, held, 0)
        return orders if orders.drain else await super().beat(status, held, wait)


class NoRestAfterLoss(Backend):
    async def beat(self, status: AgentStatus, held: Collection[Claim], wait: float) -> AgentOrders:
        orders = await super().beat(status, held, 0)
        return orders if orders.lost else await super().beat(status, held, wait)


class NewsNeverWait(Backend):
    async def news(self, queue: str, wait: float) -> None:
        await anyio.lowlevel.checkpoint()


class NewsWaitForEver(Backend):
    async def news(self, queue: str, wait: float) -> None:
        await super().news(queue, HOUR)


class NewsSleep(Backend):
    async def news(self, queue: str, wait: float) -> None:
        await anyio.sleep(wait)


class NewsOfLaunches(Backend):
    seen: ClassVar[str] = "select max(seq) as n from item"
    before: object = None

    async def claim(self, queue: str, capacity: AgentCapacity) -> Claim | None:
        self.before = await self.look()
        return await super().claim(queue, capacity)

    async def look(self) -> object:
        return (await self.execute(self.seen))[0]["n"]

    async def news(self, queue: str, wait: float) -> None:
        with anyio.move_on_after(wait):
            while await self.look() == self.before:
                await anyio.sleep(0.02)


class NewsOfLaunchesAndQueues(NewsOfLaunches):
    seen = "select (select max(seq) from item) || (select sum(version) from queue) as n"


class NewsOfAllButRelease(NewsOfLaunches):
    seen = (
        "select (select max(seq) from item) || (select sum(version) from queue)"
        " || (select count(*) from event where state in ('queued', 'finished')"
        " and actor <> 'ann') as n"
    )


class NewsSinceTheWait(NewsOfLaunches):
    seen = "select count(*) as n from event"

    async def news(self, queue: str, wait: float) -> None:
        self.before = await self.look()
        await super().news(queue, wait)


class LogWithAnyToken(Backend):
    async def append_log(self, claim: Claim, offset: int, data: bytes) -> None:
        (row,) = await self.execute("select token from item where id = :id", id=claim.item.id)
        await super().append_log(replace(claim, token=row["token"]), offset, data)


class LogRepeats(Backend):
    async def append_log(self, claim: Claim, offset: int, data: bytes) -> None:
        await super().append_log(claim, await super().log_size(claim), data)


class LogDropsOverlaps(Backend):
    async def append_log(self, claim: Claim, offset: int, data: bytes) -> None:
        if offset >= await super().log_size(claim):
            await super().append_log(claim, offset, data)


class LogIsText(Backend):
    async def append_log(self, claim: Claim, offset: int, data: bytes) -> None:
        text = data.decode(errors="ignore").encode()
        await super().append_log(claim, await super().log_size(claim), text)


class LogSizeOfAllAttempts(Backend):
    async def log_size(self, claim: Claim) -> int:
        (row,) = await self.execute(
            "select coalesce(sum(size), 0) as n from log where item_id = :id", id=claim.item.id
        )
        return int(row["n"])


class LogSizeOfTheLastPiece(Backend):
    async def log_size(self, claim: Claim) -> int:
        found = await self.execute(
            "select size from log where item_id = :id and attempt = :attempt"
            ' order by "offset" desc', id=claim.item.id, attempt=claim.item.attempt,
        )  # fmt: skip
        return found[0]["size"] if found else 0


class LogForgetsTheLastByte(Backend):
    async def append_log(self, claim: Claim, offset: int, data: bytes) -> None:
        await super().append_log(claim, offset, data.rstrip(b"\n"))


class UnknownArchiveIsEmpty(Backend):
    async def archive(self, digest: str) -> AsyncIterator[bytes]:
        try:
            async for piece in super().archive(digest):
                yield piece
        except NotFound:
            return


class ArchiveByText(Backend):
    async def archive(self, digest: str) -> AsyncIterator[bytes]:
        pieces = [piece async for piece in super().archive(digest)]
        for number in sorted(range(len(pieces)), key=str):
            yield pieces[number]


class ArchiveOfOnePiece(Backend):
    async def archive(self, digest: str) -> AsyncIterator[bytes]:
        async for piece in super().archive(digest):
            yield piece
            return


class ArchiveHangs(Backend):
    async def archive(self, digest: str) -> AsyncIterator[bytes]:
        async for piece in super().archive(digest):
            yield piece
        await anyio.sleep_forever()


class LocksForAll(Backend):
    async def acquire_lock(self, name: str, holder: str, seconds: float) -> bool:
        return True


class LockRaces(Backend):
    async def acquire_lock(self, name: str, holder: str, seconds: float) -> bool:
        found = await self.execute(
            "select holder from lock where name = :name and until > :now", name=name
        )
        if found and found[0]["holder"] != holder:
            return False
        await anyio.sleep(0.05)
        await self.execute(
            "insert or replace into lock (name, holder, until) values (:name, :holder, :until)",
            name=name, holder=holder, until=self.clock() + seconds,
        )  # fmt: skip
        return True


class TryingExtendsALock(Backend):
    async def acquire_lock(self, name: str, holder: str, seconds: float) -> bool:
        got = await super().acquire_lock(name, holder, seconds)
        if not got:
            await self.execute("update lock set until = until + :more where name = :name",
                               name=name, more=seconds)  # fmt: skip
        return got


class OneLock(Backend):
    async def acquire_lock(self, name: str, holder: str, seconds: float) -> bool:
        return await super().acquire_lock("lock", holder, seconds)

    async def release_lock(self, name: str, holder: str) -> None:
        await super().release_lock("lock", holder)


class DeadLeavesHang(Backend):
    async def leave(self, agent: str, *, dead: bool) -> None:
        await super().leave(agent, dead=False)


class LeaveIsDeath(Backend):
    async def leave(self, agent: str, *, dead: bool) -> None:
        await super().leave(agent, dead=True)


class NeverBlocked(Backend):
    async def blocked(self, queue: str, capacity: AgentCapacity) -> str | None:
        return None


class BlockedWhenBusy(Backend):
    async def blocked(self, queue: str, capacity: AgentCapacity) -> str | None:
        (row,) = await self.execute("select count(*) as n from item where lease_until is not null")
        return await super().blocked(queue, capacity) or ("busy" if row["n"] else None)


class BlockedWithoutReason(Backend):
    async def blocked(self, queue: str, capacity: AgentCapacity) -> str | None:
        return "blocked" if await super().blocked(queue, capacity) else None


def without_evidence(verdict: str | None) -> str | None:
    """The verdict's code and summary alone."""
    if verdict is None:
        return None
    return json.dumps({key: json.loads(verdict)[key] for key in ("code", "summary")})


class Plain(Backend):
    """Right, with the least that a backend has to do."""

    news = QueueBackend.news
    blocked = QueueBackend.blocked
    log_size = QueueBackend.log_size
    acquire_lock = QueueBackend.acquire_lock
    release_lock = QueueBackend.release_lock
    leave = QueueBackend.leave


class WakesForNothing(Backend):
    """Right, and asked more often than need be."""

    async def beat(self, status: AgentStatus, held: Collection[Claim], wait: float) -> AgentOrders:
        return await super().beat(status, held, min(wait, 0.1))

    async def news(self, queue: str, wait: float) -> None:
        await super().news(queue, min(wait, 0.1))
