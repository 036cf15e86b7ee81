"""Each kind of change wakes those who wait for it at the service, long before they would look."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import anyio
import pytest

from launchkit.abc import (
    Drain,
    Hold,
    LaunchRequest,
    Move,
    PauseAgent,
    Release,
    ResumeAgent,
    SetPriority,
    Site,
    Stop,
)
from launchkit.aio.retry import Backoff
from launchkit.builtin.http.backend import HttpBackend
from launchkit.builtin.http.hub import HttpHub
from launchkit.errors import Unreachable
from launchkit.model import (
    AgentOrders,
    Claim,
    ItemReport,
    ItemState,
    Pause,
    Priority,
    QueueItem,
    QueueSpec,
)
from launchkit.testing import make_capacity, make_spec, make_status, started

from .conftest import Served, serving

QUICK = Backoff(first=0.01, cap=0.01, deadline=0.05)
HOUR = 3600.0
SOON = 45.0
"""Seconds; a wait lasts 60, and so does a beat where leases are long."""
SPEC = QueueSpec(name="q", resource="local-process", prioritization=True)
LIMITED = replace(SPEC, max_concurrent=1)
PAUSE = Pause(reason="upgrade", by="ann", at=0)


@dataclass
class Floor:
    """A hub, an agent that waits, and another one that works."""

    hub: HttpHub
    waiting: HttpBackend
    working: HttpBackend

    async def launch(self, queue: str = "q") -> QueueItem:
        request = LaunchRequest(spec=make_spec(), actor="ann")
        return await self.hub.launches().launch(queue, request)

    async def queue(self, spec: QueueSpec, pause: Pause | None = None) -> None:
        await self.hub.queues().update(spec, "ann", pause=pause, if_version=None)

    async def held(self) -> Claim:
        """A launch that the other agent runs."""
        await self.launch()
        claim = await self.working.claim("q", make_capacity("b"))
        assert claim is not None
        return claim

    async def report(self, claim: Claim, state: ItemState) -> None:
        await self.working.report(claim, ItemReport(state=state))

    async def change(self, item: QueueItem, change: object) -> None:
        await self.hub.launches().change(item.id, change, "ann")  # type: ignore[arg-type]


@pytest.fixture
async def floor(database_url: str, site: Site) -> AsyncIterator[Floor]:
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(serving(database_url, time.time, lease=HOUR))
        parts = {"url": served.url, "entity": "test", "token": served.tokens["ann"]}
        made = (HttpHub(**parts), HttpBackend(**parts), HttpBackend(**parts))  # type: ignore[arg-type]
        found = [await stack.enter_async_context(started(one, site)) for one in made]
        floor = Floor(*found)  # type: ignore[arg-type]
        for name in ("q", "other"):
            await floor.hub.queues().create(replace(SPEC, name=name), "ann")
        yield floor


Act = Callable[[], Awaitable[object]]
Prepared = Callable[[Floor], Awaitable[Act]]


async def launch(floor: Floor) -> Act:
    return floor.launch


async def requeue(floor: Floor) -> Act:
    claim = await floor.held()
    return lambda: floor.report(claim, ItemState.QUEUED)


async def release(floor: Floor) -> Act:
    item = await floor.launch()
    await floor.change(item, Hold(reason="later"))
    return lambda: floor.change(item, Release())


async def move(floor: Floor) -> Act:
    item = await floor.launch("other")
    return lambda: floor.change(item, Move(queue="q"))


async def resume_queue(floor: Floor) -> Act:
    await floor.queue(SPEC, PAUSE)
    await floor.launch()
    return lambda: floor.queue(SPEC)


async def resume_agent(floor: Floor) -> Act:
    await floor.waiting.beat(make_status(), [], 0.0)
    await floor.hub.change_agent("a", PauseAgent(reason="driver"), "ann")
    await floor.launch()
    return lambda: floor.hub.change_agent("a", ResumeAgent(), "ann")


async def raise_limit(floor: Floor) -> Act:
    await floor.queue(LIMITED)
    await floor.held()
    await floor.launch()
    return lambda: floor.queue(replace(SPEC, max_concurrent=2))


async def end_under_limit(floor: Floor) -> Act:
    await floor.queue(LIMITED)
    claim = await floor.held()
    await floor.launch()
    return lambda: floor.report(claim, ItemState.FINISHED)


async def dead_agent(floor: Floor) -> Act:
    await floor.held()
    return lambda: floor.working.leave("b", dead=True)


async def replaced_agent(floor: Floor) -> Act:
    await floor.working.register(make_status("b"))
    await floor.held()
    return lambda: floor.waiting.register(make_status("b"))


@pytest.mark.parametrize(
    "prepared",
    [
        *(launch, requeue, release, move, resume_queue, resume_agent),
        *(raise_limit, end_under_limit, dead_agent, replaced_agent),
    ],
)
async def test_what_makes_work_wakes_an_agent_that_waits_for_some(
    floor: Floor, prepared: Prepared
) -> None:
    async def claimed() -> None:
        while await floor.waiting.claim("q", make_capacity()) is None:
            await floor.waiting.blocked("q", make_capacity())
            await floor.waiting.news("q", 60.0)

    act = await prepared(floor)
    assert await floor.waiting.claim("q", make_capacity()) is None
    await woken(claimed, act)


async def stop(floor: Floor, claim: Claim) -> None:
    await floor.change(claim.item, Stop(reason="enough"))


async def drain(floor: Floor, _: Claim) -> None:
    await floor.hub.change_agent("b", Drain(), "ann")


@pytest.mark.parametrize("order", [stop, drain])
async def test_an_order_wakes_the_agent_that_is_to_obey(
    floor: Floor, order: Callable[[Floor, Claim], Awaitable[None]]
) -> None:
    claim = await floor.held()
    await floor.working.beat(make_status("b"), [claim], 0.0)

    async def ordered() -> None:
        while not (orders := await floor.working.beat(make_status("b"), [claim], 60.0)).news_to(
            AgentOrders()
        ):
            assert not orders.lost

    await woken(ordered, lambda: order(floor, claim))


@pytest.mark.parametrize(
    "change",
    [
        Hold(reason="later"),
        SetPriority(level=Priority.HIGH),
        Move(queue="other"),
        Stop(reason="enough"),
    ],
)
@pytest.mark.parametrize("of_all", [False, True])
async def test_a_change_of_a_launch_wakes_who_follows_it(
    floor: Floor, change: object, of_all: bool
) -> None:
    item = await floor.launch()
    since = (await floor.hub.launches().changed(item.id, 0, 0.0))[-1].id

    async def heard() -> None:
        of = None if of_all else item.id
        while not await floor.hub.launches().changed(of, since, 60.0):
            pass

    await woken(heard, lambda: floor.change(item, change))


async def test_output_and_an_end_wake_who_reads_the_log(floor: Floor) -> None:
    claim = await floor.held()
    logs = floor.hub.logs()

    async def read() -> None:
        assert (await logs.read(claim.item.id, None, 0, 60.0)).data == b"out"

    async def ended() -> None:
        assert (await logs.read(claim.item.id, None, 3, 60.0)).complete

    await woken(read, lambda: floor.working.append_log(claim, 0, b"out"))
    await woken(ended, lambda: floor.report(claim, ItemState.FINISHED))


async def given_back(floor: Floor) -> None:
    await floor.working.release_lock("image", "b/1")


async def holder_dead(floor: Floor) -> None:
    await floor.working.leave("b", dead=True)


@pytest.mark.parametrize("freed", [given_back, holder_dead])
async def test_a_lock_that_is_free_wakes_who_waits_for_it(
    floor: Floor, freed: Callable[[Floor], Awaitable[None]]
) -> None:
    assert await floor.working.acquire_lock("image", "b/1", 600.0)

    async def got() -> None:
        while not await floor.waiting.acquire_lock("image", "a/1", 600.0):
            await floor.waiting.lock_news("image", 60.0)

    await woken(got, lambda: freed(floor))


async def woken(waits: Callable[[], Awaitable[None]], act: Act) -> None:
    """One waits, the other acts; what is waited for comes soon."""
    with anyio.fail_after(SOON):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(waits)
            await act()


async def test_a_lease_that_ends_wakes_an_agent_though_nothing_is_written(
    database_url: str, site: Site
) -> None:
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(serving(database_url, time.time, lease=1.0))
        parts = {"url": served.url, "entity": "test", "token": served.tokens["ann"]}
        made = (HttpHub(**parts), HttpBackend(**parts), HttpBackend(**parts))  # type: ignore[arg-type]
        found = [await stack.enter_async_context(started(one, site)) for one in made]
        floor = Floor(*found)  # type: ignore[arg-type]
        await floor.hub.queues().create(SPEC, "ann")
        await floor.held()
        with anyio.fail_after(SOON):
            while await floor.waiting.claim("q", make_capacity()) is None:
                await floor.waiting.news("q", 60.0)


FOREIGN = {
    "a page": (200, {"content-type": "text/html"}, b"<html>Welcome to the hotel</html>"),
    "nothing": (200, {}, b""),
    "an empty answer of ours": (200, {"launchkit-protocol": "1.0"}, b""),
    "foreign JSON": (200, {"content-type": "application/json"}, b'{"hello": [1]}'),
    "half an answer": (200, {"launchkit-protocol": "1.0"}, b'{"queues": ["q"'),
    "no content": (204, {}, b""),
    "a redirect": (302, {"location": "http://portal/"}, b""),
    "a gateway's 502": (502, {}, b"Bad Gateway"),
    "a problem that is none": (
        *(500, {"launchkit-protocol": "1.0", "content-type": "application/problem+json"}),
        b"[]",
    ),
}


@pytest.fixture
def portal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network in which somebody else answers each request."""
    status, headers, body = FOREIGN[request.param]
    from launchkit_server import envelope
    from starlette.responses import Response

    async def answers(self: envelope.Envelope, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        await Response(body, status, headers)(scope, receive, send)

    monkeypatch.setattr(envelope.Envelope, "__call__", answers)
    monkeypatch.setattr("launchkit.builtin.http.service.PATIENCE", QUICK)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("portal", FOREIGN, indirect=True)
async def test_what_somebody_else_answers_is_no_news_and_no_crash(
    server: Served, site: Site, portal: None
) -> None:
    made = HttpBackend(url=server.url, entity="test", token=server.tokens["ann"])
    async with started(made, site) as backend:
        backend._news.claims("q", make_capacity())
        for call in (
            lambda: backend.claim("q", make_capacity()),
            lambda: backend.news("q", 60.0),
            lambda: backend.beat(make_status(), [], 0.0),
            lambda: backend.register(make_status()),
        ):
            with pytest.raises(Unreachable):
                await call()
