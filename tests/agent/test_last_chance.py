"""What is unwanted before it starts is not started, however long it took to get there."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Event
from types import ModuleType

import anyio
import pytest
from agent.conftest import Bench, until
from waiting import PATIENCE

from launchkit import Agent
from launchkit.abc import Run, Runner
from launchkit.aio.carried_through import last_chance
from launchkit.hookspecs import hookimpl
from launchkit.model import ItemState, Json, Submission
from launchkit.plugins import Plugins
from launchkit.testing import FakeCompute, FakeRunner


@dataclass
class Way:
    """How far a launch has come."""

    compute: FakeCompute = field(default_factory=FakeCompute)
    rendered: Event = field(default_factory=Event)
    goes_on: Event = field(default_factory=Event)
    made: list[str] = field(default_factory=list)
    discarded: list[str] = field(default_factory=list)
    is_long: bool = False


WAYS: list[Way] = []


@dataclass(kw_only=True)
class SlowRunner(FakeRunner):
    """What it sends takes long to be told, or what it makes never ends."""

    kind = "slow"
    compute: FakeCompute = field(default_factory=lambda: WAYS[-1].compute, repr=False)
    way: Way = field(default_factory=lambda: WAYS[-1], repr=False)

    def render(self, submission: Submission) -> Json:
        self.way.rendered.set()
        assert self.way.goes_on.wait(PATIENCE)
        return super().render(submission)

    async def submit(self, submission: Submission) -> Run:
        while self.way.is_long:
            self.way.made.append(submission.name)
            await anyio.sleep(0.01)
            await last_chance()
        return await super().submit(submission)

    async def discard(self, ref: str) -> None:
        self.way.discarded.append(ref)


@hookimpl
def launchkit_runners() -> list[type[Runner]]:
    return [SlowRunner]


@pytest.fixture
def way() -> Iterator[Way]:
    WAYS.append(Way())
    yield WAYS[-1]
    WAYS[-1].goes_on.set()


async def agent_of(bench: Bench) -> Agent:
    await bench.client.create_queue("slow", "slow", {"exit_code": 0})
    module = ModuleType("slow")
    vars(module).update(launchkit_runners=launchkit_runners)
    settings = bench.settings(queues=["slow"], lease_seconds=0.5)
    return Agent(settings, plugins=Plugins(module, entry_points=False))


async def test_a_launch_that_is_stopped_while_its_run_is_made_is_not_started(
    bench: Bench, way: Way
) -> None:
    way.is_long = True
    way.goes_on.set()
    agent = await agent_of(bench)
    run = await bench.client.launch("slow", image="img")
    async with agent:
        await until(lambda: bool(way.made))
        await run.stop()
        assert await bench.ended(run) == [ItemState.STOPPED]
        await until(lambda: bool(way.discarded))
    assert "before it started" in (run.item.message or "")
    assert way.discarded == way.made[:1]
    assert not way.compute.starts


async def test_an_agent_that_ends_while_it_says_what_it_will_submit_does_not_start_it(
    bench: Bench, way: Way
) -> None:
    agent = await agent_of(bench)
    run = await bench.client.launch("slow", image="img")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(agent.run)
        await until(way.rendered.is_set)
        agent.abort()
        way.goes_on.set()
    assert not way.compute.starts
    assert (await run.view()).item.state is ItemState.QUEUED
