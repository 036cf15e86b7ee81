"""What an agent says of itself reaches its queue when it changes, not when it beats anyway."""

import logging
from collections.abc import Callable, Collection
from dataclasses import replace
from itertools import repeat

import anyio
import pytest
from agent.conftest import Bench, running
from waiting import PATIENCE, until

from launchkit.abc import backend
from launchkit.agent import heartbeat
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.errors import QueueError
from launchkit.model import AgentOrders, AgentStatus, Claim, ItemState
from launchkit.store.backend import StoreBackend

HOUR = 3600.0
GATED = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.02)"


@pytest.fixture(autouse=True)
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """No sign of life comes by itself as long as a test may last."""
    monkeypatch.setattr(backend, "SEEN_SECONDS", HOUR)


async def heard(bench: Bench, is_it: Callable[[AgentStatus], bool]) -> None:
    """Wait until the queue knows something of its one agent."""
    with anyio.fail_after(PATIENCE):
        while True:
            if any(is_it(agent.status) for agent in await bench.client.agents()):
                return
            await anyio.sleep(0.05)


async def test_the_queue_hears_what_an_agent_does_when_that_changes(bench: Bench) -> None:
    gate = bench.folder / "gate"
    async with bench.agent(lease_seconds=3 * HOUR):
        run = await bench.launch(GATED, str(gate))
        await running(run)
        await heard(bench, lambda it: "1 under way" in it.doing)
        gate.touch()
        assert await bench.ended(run) == [ItemState.FINISHED]
        await heard(bench, lambda it: "under way" not in it.doing)


async def test_the_queue_hears_that_a_runner_cannot_be_started(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(LocalProcessRunner, "start", start)
    async with bench.agent(lease_seconds=3 * HOUR):
        await bench.launch("print(1)")
        await heard(bench, lambda it: "no room" in it.unable.get("local-process", ""))
        await heard(bench, lambda it: "local-process" not in (it.resources or ()))


async def test_an_agent_that_always_has_news_hears_its_slow_queue_all_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, answered = 0, 0
    beat, say = StoreBackend.beat, heartbeat.Heartbeat

    async def slowly(
        self: StoreBackend, status: AgentStatus, held: Collection[Claim], wait: float
    ) -> AgentOrders:
        nonlocal begun, answered
        begun += 1
        await anyio.sleep(100 * heartbeat.LOOK_SECONDS)
        orders = await beat(self, status, held, wait)
        answered += 1
        return orders

    def restless(**given: object) -> heartbeat.Heartbeat:
        made = say(**given)  # type: ignore[arg-type]
        numbers = iter(range(10**9))
        return replace(made, say=lambda: replace(made.say(), doing=str(next(numbers))))

    monkeypatch.setattr(heartbeat, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(backend, "SEEN_SECONDS", 0.1)
    monkeypatch.setattr(StoreBackend, "beat", slowly)
    monkeypatch.setattr("launchkit.agent.agent.Heartbeat", restless)
    async with bench.agent():
        await until(lambda: answered > 1)
    assert begun > answered


async def test_an_agent_that_leaves_gives_no_more_signs_of_life(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    beating, at_leave = list[AgentStatus](), list[int]()
    beat, leave = StoreBackend.beat, StoreBackend.leave

    async def seen_beat(
        self: StoreBackend, status: AgentStatus, held: Collection[Claim], wait: float
    ) -> AgentOrders:
        beating.append(status)
        try:
            return await beat(self, status, held, wait)
        finally:
            beating.remove(status)

    async def seen_leave(self: StoreBackend, agent: str, *, dead: bool) -> None:
        at_leave.append(len(beating))
        await leave(self, agent, dead=dead)

    monkeypatch.setattr(StoreBackend, "beat", seen_beat)
    monkeypatch.setattr(StoreBackend, "leave", seen_leave)
    async with bench.agent():
        await until(lambda: bool(beating))
    assert at_leave == [0]


async def test_an_agent_that_is_not_heard_says_so_once_and_once_that_it_is_heard_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries, beat = 0, StoreBackend.beat

    async def in_vain(
        self: StoreBackend, status: AgentStatus, held: Collection[Claim], wait: float
    ) -> AgentOrders:
        nonlocal tries
        tries += 1
        if tries <= 5:
            raise QueueError("the disk of the queue is full" if tries <= 4 else "it is locked")
        return await beat(self, status, held, wait)

    def said() -> list[str]:
        told = [line for line in caplog.records if getattr(line, "action", "") == "retry"]
        return [line.getMessage() for line in told]

    caplog.set_level(logging.INFO, "launchkit.agent")
    monkeypatch.setattr(heartbeat, "pauses", lambda _: repeat(0.01))
    monkeypatch.setattr(StoreBackend, "beat", in_vain)
    async with bench.agent(lease_seconds=3 * HOUR):
        await until(lambda: any("works again" in line for line in said()))
    full, locked, over = said()
    assert full == "the heartbeat: the disk of the queue is full; trying again"
    assert locked == "the heartbeat: it is locked; trying again"
    assert over.startswith("the heartbeat works again after")
    assert over.endswith("5 failed tries")
