"""What a new holder of a run goes by: the limits of the launch, never its own defaults.

Time goes by in the queue's file: a real limit of seconds could be over before a first agent is.
"""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import anyio
import pytest
from agent.conftest import Bench, text
from agent.test_ending import POLITE, printed
from waiting import PATIENCE, until

from launchkit import LaunchHandle
from launchkit.model import ItemState, Timeouts

HOUR = 3600.0
SAVES = (
    "import signal, sys, time\n"
    "def end(*_): time.sleep(float(sys.argv[1])); print('saved'); sys.exit(0)\n"
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


def an_hour_goes_by(bench: Bench) -> None:
    """What was submitted and seen running, was that an hour earlier."""
    with closing(sqlite3.connect(bench.url.removeprefix("sqlite:///"))) as database, database:
        database.execute("update item set started_at = started_at - ?", (HOUR,))
        at = "json_extract(resolved, '$.submitted_at') - ?"
        earlier = f"update item set resolved = json_set(resolved, '$.submitted_at', {at})"
        database.execute(earlier, (HOUR,))


async def test_a_run_time_out_holds_and_counts_from_the_start_that_an_earlier_agent_saw(
    bench: Bench,
) -> None:
    run = await bench.launch(POLITE, timeouts=Timeouts(run=HOUR))
    await abandoned(bench, run, ItemState.RUNNING)
    an_hour_goes_by(bench)
    async with taken_over(bench, run):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.verdict
    assert run.item.verdict.code == "run_timeout"


async def test_a_run_has_ended_when_it_did_and_not_when_that_is_seen(bench: Bench) -> None:
    gate, over = bench.folder / "gate", bench.folder / "over"
    run = await bench.launch(
        f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)\n"
        f"open({str(over)!r}, 'w')"
    )
    await abandoned(bench, run, ItemState.RUNNING)
    gate.touch()
    await until(over.exists)
    an_hour_goes_by(bench)
    async with taken_over(bench, run):
        assert await bench.ended(run) == [ItemState.FINISHED]
    item = (await run.view()).item
    assert item.started_at
    assert item.ended_at
    assert item.ended_at - item.started_at < HOUR


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
    await abandoned(bench, run, ItemState.RUNNING, run_timeout=HOUR)
    an_hour_goes_by(bench)
    async with taken_over(bench, run):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.verdict
    assert run.item.verdict.code == "run_timeout"


@pytest.mark.parametrize(("grace", "saves"), [(PATIENCE, True), (0.2, False)])
async def test_a_stop_gives_the_time_that_the_launch_asked_for(
    bench: Bench, grace: float, saves: bool
) -> None:
    needs = 1.5 if saves else 2 * PATIENCE
    run = await bench.launch(SAVES, str(needs), timeouts=Timeouts(stop_grace=grace))
    await abandoned(bench, run, ItemState.RUNNING)
    async with taken_over(bench, run, stopped_run_timeout=1 if saves else int(PATIENCE)):
        await printed(run, "ready")
        await run.stop()
        assert await bench.ended(run) == [ItemState.STOPPED]
    assert ("saved" in await text(run)) is saves


async def test_a_start_time_out_holds_and_counts_from_the_submission(bench: Bench) -> None:
    await bench.client.create_queue("slow", "local-process", {"setup": ["sleep", "600"]})
    run = await bench.launch("print(1)", queue="slow", timeouts=Timeouts(start=HOUR))
    await abandoned(bench, run, ItemState.STARTING, queues=["slow"])
    an_hour_goes_by(bench)
    async with taken_over(bench, run, queues=["slow"], start_timeout=2 * HOUR):
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
