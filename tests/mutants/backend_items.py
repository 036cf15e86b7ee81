"""Backends whose claims or reports are wrong."""

import time
from dataclasses import replace
from typing import ClassVar, cast

import anyio

from launchkit.errors import LeaseLost, NotFound
from launchkit.model import (
    AgentCapacity,
    Claim,
    ItemReport,
    ItemState,
)
from launchkit.store.backend import StoreBackend
from launchkit.store.database import Row
from mutants.bent import BentDatabase

HOUR = 3600.0


class Backend(StoreBackend):
    async def execute(self, sql: str, **values: object) -> list[Row]:
        return list(await cast("BentDatabase", self._database).execute(sql, **values))


class GivesTwice(Backend):
    last: Claim | None = None
    asking = 0

    async def claim(self, queue: str, capacity: AgentCapacity) -> Claim | None:
        self.asking += 1
        try:
            claim = await super().claim(queue, capacity)
            self.last = claim or (self.last if self.asking > 1 else None)
            return self.last
        finally:
            self.asking -= 1


class LimitRaces(Backend):
    """Goes with a store that knows no limits."""

    async def claim(self, queue: str, capacity: AgentCapacity) -> Claim | None:
        (row,) = await self.execute(
            "select max_concurrent as most, (select count(*) from item where queue_id = q.id"
            " and lease_until is not null) as n from queue q where name = :name"
            " and deleted_at is null",
            name=queue,
        )
        if row["most"] is not None and row["n"] >= row["most"]:
            return None
        await anyio.sleep(0.05)
        return await super().claim(queue, capacity)


class PauseBlocksTakeOver(Backend):
    word: ClassVar[str] = "paused"

    async def claim(self, queue: str, capacity: AgentCapacity) -> Claim | None:
        if self.word in (await super().blocked(queue, capacity) or ""):
            return None
        return await super().claim(queue, capacity)


class LimitBlocksTakeOver(PauseBlocksTakeOver):
    word = "limit"


class UnknownQueueIsEmpty(Backend):
    async def claim(self, queue: str, capacity: AgentCapacity) -> Claim | None:
        try:
            return await super().claim(queue, capacity)
        except NotFound:
            return None


class RunsAnything(Backend):
    async def claim(self, queue: str, capacity: AgentCapacity) -> Claim | None:
        capacity = replace(capacity, resources=frozenset({"local-process"}))
        return await super().claim(queue, capacity)


class ClaimWithoutConfig(Backend):
    async def claim(self, queue: str, capacity: AgentCapacity) -> Claim | None:
        claim = await super().claim(queue, capacity)
        return claim and replace(claim, queue=replace(
            claim.queue, spec=replace(claim.queue.spec, config={})
        ))  # fmt: skip


class ClaimWithoutLease(Backend):
    async def claim(self, queue: str, capacity: AgentCapacity) -> Claim | None:
        claim = await super().claim(queue, capacity)
        return claim and replace(claim, lease=0.0)


class ClaimAsItWas(Backend):
    async def claim(self, queue: str, capacity: AgentCapacity) -> Claim | None:
        claim = await super().claim(queue, capacity)
        return claim and replace(claim, item=replace(
            claim.item, state=ItemState.QUEUED, agent=None
        ))  # fmt: skip


class ClearsLogAtTakeOver(Backend):
    async def claim(self, queue: str, capacity: AgentCapacity) -> Claim | None:
        claim = await super().claim(queue, capacity)
        if claim:
            await self.execute("delete from log where item_id = :id", id=claim.item.id)
        return claim


class ClaimHangs(Backend):
    async def claim(self, queue: str, capacity: AgentCapacity) -> Claim | None:
        await anyio.sleep_forever()
        return None


class ClaimBlocksTheLoop(Backend):
    async def claim(self, queue: str, capacity: AgentCapacity) -> Claim | None:
        while True:
            time.sleep(0.1)


class ReportHangs(Backend):
    async def report(self, claim: Claim, report: ItemReport) -> None:
        await anyio.sleep_forever()


class NoneErases(Backend):
    column: ClassVar[str] = "ref"

    async def report(self, claim: Claim, report: ItemReport) -> None:
        await super().report(claim, report)
        if getattr(report, self.column) is None:
            await self.execute(f"update item set {self.column} = null where id = :id",
                               id=claim.item.id)  # fmt: skip


class NoneErasesResolved(NoneErases):
    column = "resolved"


class NoneErasesVerdict(NoneErases):
    column = "verdict"


class NoneErasesExitCode(NoneErases):
    column = "exit_code"


class NoneErasesMessage(NoneErases):
    column = "message"


class MessageStays(Backend):
    message: str | None = None

    async def report(self, claim: Claim, report: ItemReport) -> None:
        self.message = report.message or self.message
        await super().report(claim, replace(report, message=self.message))


class EndAgainIsAnError(Backend):
    async def report(self, claim: Claim, report: ItemReport) -> None:
        (row,) = await self.execute("select state from item where id = :id", id=claim.item.id)
        if ItemState(row["state"]).ended:
            raise LeaseLost("it has ended")
        await super().report(claim, report)


class EndAgainMovesItsTime(Backend):
    async def report(self, claim: Claim, report: ItemReport) -> None:
        await super().report(claim, report)
        if report.state.ended:
            await self.execute("update item set ended_at = :now where id = :id", id=claim.item.id)


class EndsWhenTold(Backend):
    async def report(self, claim: Claim, report: ItemReport) -> None:
        await super().report(claim, replace(report, ran=None))


class StopForgottenWhenGivenBack(Backend):
    async def report(self, claim: Claim, report: ItemReport) -> None:
        if report.state is ItemState.QUEUED:
            await self.execute("update item set stop_by = null where id = :id", id=claim.item.id)
        await super().report(claim, report)


class RequeueToTheEnd(Backend):
    async def report(self, claim: Claim, report: ItemReport) -> None:
        await super().report(claim, report)
        if report.state is ItemState.QUEUED:
            await self.execute(
                "update item set seq = (select max(seq) + 1 from item) where id = :id",
                id=claim.item.id,
            )


class RequeueWithANewRunId(Backend):
    async def report(self, claim: Claim, report: ItemReport) -> None:
        await super().report(claim, report)
        if report.next_attempt:
            await self.execute("update item set run_id = 'other' where id = :id", id=claim.item.id)


class HeldIsQueued(Backend):
    async def report(self, claim: Claim, report: ItemReport) -> None:
        if report.state is ItemState.HELD:
            report = replace(report, state=ItemState.QUEUED)
        await super().report(claim, report)
