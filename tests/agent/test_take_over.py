"""What a new holder of a run goes by: the limits of the launch, never its own defaults."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import anyio
import pytest
from agent.conftest import Bench, text
from agent.test_ending import POLITE, printed
from waiting import PATIENCE

from launchkit import LaunchHandle
from launchkit.model import ItemState, Timeouts

SAVES_SLOWLY = (
    "import signal, sys, time\n"
    "def end(*_): time.sleep(1.5); print('saved'); sys.exit(0)\n"
    "signal.signal(signal.SIGTERM, end)\n"
    "print('ready')\n"
    "while True: time.sleep(0.05)"
)


async def abandoned(
    bench: Bench, run: LaunchHandle, *states: ItemState, **settings: object
) -> None:
    """Let an agent start *run*, and leave it when it is in one of *states*."""
    async with anyio.create_task_group() as tasks:
        agent = bench.agent(**settings)
        await tasks.start(agent.run)
        with anyio.fail_after(PATIENCE):
            while (await run.view()).item.state not in states:  # noqa: ASYNC110
                await anyio.sleep(0.02)
        agent.abort()


@asynccontextmanager
async def taken_over(bench: Bench, run: LaunchHandle, **settings: object) -> AsyncIterator[None]:
    """Another agent, with other defaults, which has taken *run* over."""
    async with bench.agent(**settings) as agent:
        with anyio.fail_after(PATIENCE):
            while (await run.view()).item.agent != agent.name:  # noqa: ASYNC110
                await anyio.sleep(0.02)
        yield


async def test_a_run_time_out_holds_and_counts_from_the_start(bench: Bench) -> None:
    run = await bench.launch(POLITE, timeouts=Timeouts(run=3))
    await abandoned(bench, run, ItemState.RUNNING)
    async with taken_over(bench, run):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.verdict
    assert run.item.verdict.code == "run_timeout"


async def test_a_run_time_out_counts_from_the_start_that_an_earlier_agent_saw(
    bench: Bench,
) -> None:
    hour = 3600.0
    run = await bench.launch(POLITE, timeouts=Timeouts(run=hour))
    await abandoned(bench, run, ItemState.RUNNING)
    with closing(sqlite3.connect(bench.url.removeprefix("sqlite:///"))) as database, database:
        database.execute("update item set started_at = started_at - ?", (hour,))
    async with taken_over(bench, run):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.verdict
    assert run.item.verdict.code == "run_timeout"


async def test_a_run_that_has_no_limit_is_not_given_one(bench: Bench) -> None:
    gate = bench.folder / "gate"
    wait = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)"
    run = await bench.launch(wait, timeouts=Timeouts(run=0))
    await abandoned(bench, run, ItemState.RUNNING)
    async with taken_over(bench, run, run_timeout=0.001):
        gate.touch()
        assert await bench.ended(run) == [ItemState.FINISHED]


async def test_the_default_of_the_agent_that_submitted_holds_on(bench: Bench) -> None:
    run = await bench.launch(POLITE)
    await abandoned(bench, run, ItemState.RUNNING, run_timeout=3.0)
    async with taken_over(bench, run):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.verdict
    assert run.item.verdict.code == "run_timeout"


@pytest.mark.parametrize(("grace", "saves"), [(30, True), (0.2, False)])
async def test_a_stop_gives_the_time_that_the_launch_asked_for(
    bench: Bench, grace: float, saves: bool
) -> None:
    run = await bench.launch(SAVES_SLOWLY, timeouts=Timeouts(stop_grace=grace))
    await abandoned(bench, run, ItemState.RUNNING)
    async with taken_over(bench, run, stopped_run_timeout=1 if saves else 30):
        await printed(run, "ready")
        await run.stop()
        assert await bench.ended(run) == [ItemState.STOPPED]
    assert ("saved" in await text(run)) is saves


async def test_a_start_time_out_holds_and_counts_from_the_submission(bench: Bench) -> None:
    await bench.client.create_queue("slow", "local-process", {"setup": ["sleep", "60"]})
    run = await bench.launch("print(1)", queue="slow", timeouts=Timeouts(start=4))
    await abandoned(bench, run, ItemState.STARTING, queues=["slow"])
    async with taken_over(bench, run, queues=["slow"], start_timeout=3600.0):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.verdict
    assert run.item.verdict.code == "start_timeout"


async def test_a_run_without_a_start_time_out_is_not_given_one(bench: Bench) -> None:
    gate = bench.folder / "gate"
    wait = f"while ! [ -e {gate} ]; do sleep 0.02; done"
    await bench.client.create_queue("slow", "local-process", {"setup": wait})
    run = await bench.launch("print(1)", queue="slow", timeouts=Timeouts(start=0))
    await abandoned(bench, run, ItemState.STARTING, queues=["slow"])
    async with taken_over(bench, run, queues=["slow"], start_timeout=0.001):
        gate.touch()
        assert await bench.ended(run) == [ItemState.FINISHED]
