"""The agent's side: claims, beats, reports, output, locks."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Generic, TypeVar

import anyio
from fastapi import APIRouter, Depends, Query, Request

from launchkit.codec import Path, decode, dotted
from launchkit.errors import Forbidden, Unreachable
from launchkit.model import AgentOrders, Claim, Resolution
from launchkit.store import agents, claims, hindrance, locks, logs, topics
from launchkit.store.database import Body, Tx
from launchkit.store.stale import lost
from launchkit.store.tokens import CreateRunToken
from launchkit.wire.agent_side import (
    BeatRequest,
    BlockedAnswer,
    BlockedRequest,
    ClaimAnswer,
    ClaimRequest,
    LeaveRequest,
    LockAnswer,
    LockRequest,
    LockWait,
    LogSize,
    OverAnswer,
    OverRequest,
    RegisterAnswer,
    RegisterRequest,
    ReportRequest,
    RunToken,
    RunTokenRequest,
    WaitAnswer,
    WaitRequest,
)
from launchkit_server.access import AgentSide, Caller
from launchkit_server.bodies import is_long
from launchkit_server.service import Service, TheService
from launchkit_server.told import TOLD_SECONDS, Telling

router = APIRouter(prefix="/agent", tags=["the agent's side"])

T = TypeVar("T")


@router.post("/register")
async def register(
    entity: str, wanted: RegisterRequest, service: TheService, who: AgentSide
) -> RegisterAnswer:
    """Begin the session of an agent; one of the same name that stands is replaced."""
    await who.require_agent(wanted.status.name, service)
    status = who.told_by(wanted.status)
    await who.database.write(agents.Register(entity, status, wanted.session))
    return RegisterAnswer(lease=service.lease, now=time.time() + service.database.skew)


@router.post("/claims")
async def claim(
    entity: str, wanted: ClaimRequest, service: TheService, who: AgentSide
) -> ClaimAnswer:
    """Take the next item of a queue, if there is one to be had; answers at once."""
    who.require_queue(wanted.queue)
    await who.require_agent(wanted.capacity.agent, service)
    body = claims.Take(
        entity, wanted.queue, wanted.capacity, service.lease, wanted.claim_id, wanted.session
    )
    claim = await who.database.write(body)
    service.told.claimed(entity, wanted.queue, given=claim is not None)
    return ClaimAnswer(claim=claim)


@router.post("/waits")
async def wait(entity: str, wanted: WaitRequest, service: TheService, who: AgentSide) -> WaitAnswer:
    """Wait until some of the queues may give something; none of them when the time is over."""
    queues = tuple(dict.fromkeys(wanted.queues))
    await _require(who, wanted.capacity.agent, queues, service)
    body = claims.LookOut(
        entity, queues, wanted.capacity, service.lease, wanted.paused, wanted.session
    )
    worth = await _worth(service, body, wanted.wait)
    if wanted.wait > 0:
        await _require(await who.still(), wanted.capacity.agent, queues, service)
    return WaitAnswer(queues=worth)


async def _require(who: Caller, agent: str, queues: Iterable[str], service: Service) -> None:
    for name in queues:
        who.require_queue(name)
    await who.require_agent(agent, service)


async def _worth(service: Service, body: claims.LookOut, wanted: float) -> tuple[str, ...]:
    of_queues = await service.database.read(claims.TopicsOf(body.entity, body.queues), prompt=True)
    deadline = anyio.current_time() + service.patience(wanted)
    hub = service.database.topics
    with (
        hub.subscribed(topics.of_agent(body.entity, body.capacity.agent)) as news,
        service.lines.joined(body, news) as line,
    ):
        while True:
            leads = line.leads(news)
            with hub.heard(news, *(of_queues if leads else ())):
                found, telling = await _look_out(service, body)
                left = min(deadline - anyio.current_time(), service.patience(wanted))
                if found.worth or left <= 0:
                    return found.worth
                if not leads:
                    await news.wait(left)
                    continue
                if not found.common:
                    line.wake_others(news)
                again = min(left, found.after)
                if found.told and again > TOLD_SECONDS:
                    told = service.told
                    if await news.wait(TOLD_SECONDS) or not told.settled(body.entity, telling):
                        continue
                    again -= TOLD_SECONDS
                await news.wait(again)


async def _look_out(service: Service, body: claims.LookOut) -> tuple[claims.Outlook, Telling]:
    """What there is for an agent, without what others were told of already."""
    async with service.looking:
        with service.told.telling(body.entity, body.queues) as telling:
            found = await service.database.read(replace(body, told=telling.before), prompt=True)
            telling.worth = found.worth
    return found, telling


@router.post("/blocked")
async def blocked(
    entity: str, wanted: BlockedRequest, service: TheService, who: AgentSide
) -> BlockedAnswer:
    """Why a queue would give nothing even if items waited in it."""
    who.require_queue(wanted.queue)
    await who.require_agent(wanted.capacity.agent, service)
    body = hindrance.Hindrance(entity, wanted.queue, wanted.capacity)
    reason, paused = await who.database.read(body, prompt=True)
    return BlockedAnswer(reason=reason, paused=paused)


@router.post("/beats")
async def beat(
    entity: str, wanted: BeatRequest, service: TheService, who: AgentSide
) -> AgentOrders:
    """Store what an agent says of itself, renew its leases, and wait for orders that are new."""
    await who.require_agent(wanted.status.name, service)
    held = {one.item_id: one.token for one in wanted.held}
    status = who.told_by(wanted.status)
    body = claims.Beat(entity, status, held, service.lease, wanted.session, who.queues)
    patience = min(service.patience(wanted.wait), service.lease / 3)
    topic = topics.of_agent(entity, wanted.status.name)
    with service.database.topics.subscribed(topic) as news:
        orders = await who.database.write(body)
        if not orders.news_to(wanted.heard) and await news.wait(patience):
            await (await who.still()).require_agent(wanted.status.name, service)
            orders = await who.database.write(body)
        return orders


@router.post("/items/{item_id}/reports", status_code=204)
async def report(
    entity: str, item_id: str, wanted: ReportRequest, service: TheService, who: AgentSide
) -> None:
    """Store a new fact about a claimed item."""
    if wanted.report.resolved is not None:
        decode(Resolution, wanted.report.resolved, _in_resolved)

    def facts(held: Claim) -> claims.Report:
        return claims.Report(held, wanted.report)

    await who.database.write(_holding(service, who, item_id, wanted.token, facts))


@router.post("/items/{item_id}/run-token", status_code=201)
async def run_token(
    entity: str, item_id: str, wanted: RunTokenRequest, service: TheService, who: AgentSide
) -> RunToken:
    """Make the token of a claimed attempt, for its run; it counts until the attempt has ended."""
    body = _holding(service, who, item_id, wanted.token, CreateRunToken)
    return RunToken(secret=str.__str__((await who.database.write(body)).secret))


@dataclass(frozen=True)
class Place:
    """Where output belongs."""

    item_id: str
    token: int
    offset: int


async def _place(item_id: str, token: int, offset: Annotated[int, Query(ge=0, le=2**62)]) -> Place:
    return Place(item_id, token, offset)


@router.put("/items/{item_id}/log", status_code=204)
async def append_log(
    entity: str,
    place: Annotated[Place, Depends(_place)],
    request: Request,
    service: TheService,
    who: AgentSide,
) -> None:
    """Add output of the claim's attempt: the body, from the offset on."""
    if is_long(request.headers):
        await who.places.take(service.transfers)
    data = await request.body()

    def append(held: Claim) -> logs.Append:
        return logs.Append(held, place.offset, data)

    await who.database.write(_holding(service, who, place.item_id, place.token, append))


@router.get("/items/{item_id}/log")
async def log_size(
    entity: str, item_id: str, token: int, service: TheService, who: AgentSide
) -> LogSize:
    """How much output of the claim's attempt is stored."""
    size = await who.database.read(_holding(service, who, item_id, token, logs.Size), prompt=True)
    return LogSize(size=size)


@router.post("/locks")
async def acquire_lock(
    entity: str, wanted: LockRequest, service: TheService, who: AgentSide
) -> LockAnswer:
    """Take or renew a lock."""
    agent = locks.agent_of(wanted.holder)
    await who.require_agent(agent, service)
    holder = locks.holder_in(entity, wanted.holder)
    acquire = locks.Acquire(_named(wanted.name), holder, wanted.seconds)
    body = agents.InSession(entity, agent, wanted.session, acquire)
    return LockAnswer(held=await who.database.write(body))


@router.post("/locks/waits", status_code=204)
async def wait_for_lock(entity: str, wanted: LockWait, service: TheService, who: AgentSide) -> None:
    """Wait until a lock may be had, or the time is over."""
    if service.ending:
        raise Unreachable("the service is about to end", retry_after=1.0)
    await locks.free(who.database, _named(wanted.name), service.patience(wanted.wait))
    await who.still()


@router.post("/locks/release", status_code=204)
async def release_lock(
    entity: str, wanted: LockRequest, service: TheService, who: AgentSide
) -> None:
    """Give a lock back."""
    await who.require_agent(locks.agent_of(wanted.holder), service)
    holder = locks.holder_in(entity, wanted.holder)
    await who.database.write(locks.Release(_named(wanted.name), holder))


@router.post("/over")
async def over(entity: str, wanted: OverRequest, service: TheService, who: AgentSide) -> OverAnswer:
    """Of some attempts those that are over, so that what is left of them can be removed."""
    body = claims.Over(entity, wanted.attempts, who.queues)
    return OverAnswer(items=await who.database.read(body))


@router.post("/leave", status_code=204)
async def leave(entity: str, wanted: LeaveRequest, service: TheService, who: AgentSide) -> None:
    """Say that an agent has ended."""
    await who.require_agent(wanted.agent, service)
    body = agents.Forget(entity, wanted.agent, wanted.dead, wanted.session)
    await who.database.write(body)


def _holding(
    service: Service, who: Caller, item_id: str, token: int, act: Callable[[Claim], Body[T]]
) -> Body[T]:
    def own(held: Claim) -> Body[T]:
        return _Own(who, held, act(held))

    return claims.Holding(who.entity, item_id, token, service.lease, own, who.queues)


@dataclass(frozen=True)
class _Own(Generic[T]):
    """Do for a claim what *act* does, if it is one of an agent that the caller may be: the token of
    a claim is a small number, which others can guess. That there is a launch in a queue to which
    the caller is not bound is told to nobody but the agent that holds it.
    """

    who: Caller
    held: Claim
    act: Body[T]

    async def __call__(self, tx: Tx) -> T:
        if not await self._of_this_agent(tx):
            raise lost(self.held, None)
        self.who.require_queue(self.held.item.queue)
        return await self.act(tx)

    async def _of_this_agent(self, tx: Tx) -> bool:
        item, queues = self.held.item, self.who.queues
        elsewhere = queues is not None and item.queue not in queues
        if item.agent is None:  # it waits, in whichever queue it was moved to
            return not elsewhere
        try:
            await self.who.require_named(item.agent, lambda nearest: nearest(tx))
        except Forbidden:
            if not elsewhere:
                raise
            return False
        return True


def _in_resolved(path: Path) -> str:
    return dotted(("report", "resolved", *path))


def _named(lock: str) -> str:
    """:raises Forbidden: if the service keeps locks of such names for itself."""
    if lock.startswith(locks.OF_THE_SERVICE):
        raise Forbidden(f"lock: the queue service keeps {locks.OF_THE_SERVICE}… for itself")
    return lock
