"""What an agent submitted late, for a launch that had ended meanwhile, is ended and removed."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType

import anyio
import pytest
from agent.conftest import Bench, until
from agent.sleepy import SleepyAgent
from waiting import PATIENCE

from launchkit import Agent, LaunchHandle
from launchkit.abc import Run, Runner
from launchkit.hookspecs import hookimpl
from launchkit.model import ItemReport, ItemState, Submission
from launchkit.plugins import Plugins
from launchkit.store.backend import StoreBackend
from launchkit.testing import FakeCompute, FakeRunner, make_capacity, site_at, started


class Night:
    """In which an agent sleeps, and what there is in the morning."""

    def __init__(self) -> None:
        self.asleep, self.awake = anyio.Event(), anyio.Event()
        self.compute = FakeCompute()
        self.removed = False
        """Whether somebody removes what is submitted at once."""


NIGHTS: list[Night] = []


@dataclass(kw_only=True)
class SleepyRunner(FakeRunner):
    """Sleeps before it submits, and starts late what it should not."""

    kind = "sleepy"
    compute: FakeCompute = field(default_factory=lambda: NIGHTS[-1].compute, repr=False)

    async def submit(self, submission: Submission) -> Run:
        night = NIGHTS[-1]
        night.asleep.set()
        await night.awake.wait()
        run = await super().submit(submission)
        if night.removed:
            self.compute.processes.clear()
        return run


@hookimpl
def launchkit_runners() -> list[type[Runner]]:
    return [SleepyRunner]


@pytest.fixture
def night() -> Iterator[Night]:
    NIGHTS.append(Night())
    yield NIGHTS[-1]
    NIGHTS.pop()


def plugins() -> Plugins:
    module = ModuleType("sleepy")
    vars(module).update(launchkit_runners=launchkit_runners)
    return Plugins(module, entry_points=False)


async def stopped_in_its_sleep(bench: Bench, night: Night) -> LaunchHandle:
    """A launch that somebody else ended before the agent that is at it wakes up."""
    run = await bench.client.launch("q", image="img")
    await night.asleep.wait()
    await run.stop()
    async with Agent(bench.settings(queues=["q"], lease_seconds=0.5), plugins=plugins()):
        assert await bench.ended(run) == [ItemState.STOPPED]
    return run


@pytest.fixture
async def bench(bench: Bench) -> Bench:
    await bench.client.delete_queue("q")
    await bench.client.create_queue("q", "sleepy")
    return bench


async def test_a_run_that_nobody_wants_any_more_is_ended_and_removed(
    bench: Bench, night: Night
) -> None:
    async with SleepyAgent(bench.settings(lease_seconds=0.5), plugins=plugins()):
        run = await stopped_in_its_sleep(bench, night)
        assert night.compute.starts == {}
        night.awake.set()
        await until(lambda: bool(night.compute.starts) and not night.compute.processes)
    assert [*night.compute.starts.values()] == [1]
    assert (await run.view()).item.state is ItemState.STOPPED


async def test_one_that_is_gone_already_is_no_fault(
    bench: Bench, night: Night, caplog: pytest.LogCaptureFixture
) -> None:
    night.removed = True
    async with SleepyAgent(bench.settings(lease_seconds=0.5), plugins=plugins()):
        await stopped_in_its_sleep(bench, night)
        night.awake.set()
        await until(lambda: "left to its new holder" in caplog.text)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_run_of_an_attempt_after_which_there_was_another_is_ended_and_removed(
    bench: Bench, night: Night
) -> None:
    await bench.client.create_queue("other", "sleepy")
    async with SleepyAgent(bench.settings(lease_seconds=0.5), plugins=plugins()):
        run = await bench.client.launch("q", image="img")
        await night.asleep.wait()
        await tried_again(bench, run)
        await run.move("other")
        night.awake.set()
        await until(lambda: bool(night.compute.starts) and not night.compute.processes)
    (name,) = night.compute.starts
    assert name.endswith("-1")
    assert (await run.view()).item.state is ItemState.QUEUED
    async with Agent(bench.settings(queues=["other"]), plugins=plugins()):
        await until(lambda: len(night.compute.starts) == 2)
        await run.stop()
        assert await bench.ended(run) == [ItemState.STOPPED]
    assert [*night.compute.starts.values()] == [1, 1]


async def tried_again(bench: Bench, run: LaunchHandle) -> None:
    """An agent takes a launch over that another one has, and gives it back for a new attempt."""
    made = StoreBackend(url=bench.url, entity=run.item.entity)
    async with site_at(bench.folder / "other") as site, started(made, site) as backend:
        with anyio.fail_after(PATIENCE):
            while (claim := await backend.claim("q", make_capacity(resource="sleepy"))) is None:
                await backend.news("q", 0.1)
        report = ItemReport(state=ItemState.QUEUED, message="preempted", next_attempt=True)
        await backend.report(claim, report)
