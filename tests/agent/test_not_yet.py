"""A place that somebody else takes between preparing and submitting is waited for again."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType

import anyio
import pytest
from agent.conftest import Bench, text, until

from launchkit import Agent
from launchkit.abc import Output, Run, Runner
from launchkit.aio.topics import Topics
from launchkit.errors import NotYet
from launchkit.hookspecs import hookimpl
from launchkit.model import ItemState, Submission
from launchkit.plugins import Plugins
from launchkit.testing import FakeCompute, FakeRunner

COMPUTE = FakeCompute()


class Place:
    """What runs take turns at."""

    def __init__(self) -> None:
        self.refused = 0
        self.full = True
        self.news = Topics[str]()

    def empty(self) -> None:
        self.full = False
        self.news.notify("place")


@dataclass(kw_only=True)
class CrowdedRunner(FakeRunner):
    """Looks for a place only after a launch has found none."""

    kind = "crowded"
    compute: FakeCompute = field(default_factory=lambda: COMPUTE, repr=False)
    place: Place = field(default_factory=lambda: PLACES[-1], repr=False)

    async def prepare(self, submission: Submission, out: Output) -> None:
        with self.place.news.subscribed("place") as news:
            while self.place.refused and self.place.full:
                await out.say("waits for a place")
                await news.wait()

    async def submit(self, submission: Submission) -> Run:
        if self.place.full:
            self.place.refused += 1
            raise NotYet("the place is taken")
        return await super().submit(submission)


PLACES: list[Place] = []


@hookimpl
def launchkit_runners() -> list[type[Runner]]:
    return [CrowdedRunner]


@pytest.fixture
def place() -> Iterator[Place]:
    PLACES.append(Place())
    yield PLACES[-1]
    COMPUTE.processes.clear()


def agent_of(bench: Bench) -> Agent:
    module = ModuleType("crowded")
    vars(module).update(launchkit_runners=launchkit_runners)
    plugins = Plugins(module, entry_points=False)
    return Agent(bench.settings(queues=["crowded"]), plugins=plugins)


async def test_a_launch_whose_place_was_taken_waits_again_and_then_runs(
    bench: Bench, place: Place
) -> None:
    await bench.client.create_queue("crowded", "crowded", {"output": "ran\n", "exit_code": 0})
    run = await bench.client.launch("crowded", image="img")
    async with agent_of(bench):
        await until(lambda: place.refused == 1 and bool(place.news))
        place.empty()
        assert await bench.ended(run) == [ItemState.FINISHED]
    assert await text(run) == "waits for a place\nran"
    assert run.item.attempt == 1


async def test_one_that_waits_again_is_stopped_at_once(bench: Bench, place: Place) -> None:
    await bench.client.create_queue("crowded", "crowded", {"exit_code": 0})
    run = await bench.client.launch("crowded", image="img")
    async with agent_of(bench):
        await until(lambda: place.refused == 1 and bool(place.news))
        await run.stop()
        assert await bench.ended(run) == [ItemState.STOPPED]
    assert not COMPUTE.processes


async def test_one_that_waits_again_when_its_agent_dies_is_started_by_the_next(
    bench: Bench, place: Place
) -> None:
    await bench.client.create_queue("crowded", "crowded", {"exit_code": 0})
    run = await bench.client.launch("crowded", image="img")
    async with anyio.create_task_group() as tasks:
        first = agent_of(bench)
        tasks.start_soon(first.run)
        await until(lambda: place.refused == 1 and bool(place.news))
        first.abort()
    place.empty()
    async with agent_of(bench):
        assert await bench.ended(run) == [ItemState.FINISHED]
    assert list(COMPUTE.starts.values())[-1] == 1
