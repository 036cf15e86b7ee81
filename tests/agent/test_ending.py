"""How runs are ended before their time: by people, by limits, by an agent that goes away."""

import os
import signal
from pathlib import Path

import anyio
import pytest
from agent.conftest import Bench, running, text, until
from waiting import PATIENCE

from launchkit.model import ItemState, Timeouts
from launchkit.resolving.inputs import LONGEST_GRACE

STUBBORN = (
    "import signal, time\n"
    "signal.signal(signal.SIGTERM, lambda *_: print('never'))\n"
    "print('ready')\n"
    "while True: time.sleep(0.1)"
)
KILLED = 128 + signal.SIGKILL
POLITE = (
    "import signal, sys, time\n"
    "def end(*_): print('saved'); sys.exit(0)\n"
    "signal.signal(signal.SIGTERM, end)\n"
    "print('ready')\n"
    "while True: time.sleep(0.05)"
)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A queue of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/launchkit.db"
    return str(request.getfixturevalue("postgres_url"))


async def printed(run: object, word: str) -> None:
    async for line in run.logs(follow=True):  # type: ignore[attr-defined]
        if word in line:
            return


async def test_a_stop_lets_the_program_save_and_keeps_what_it_says(bench: Bench) -> None:
    run = await bench.launch(POLITE)
    async with bench.agent():
        await printed(run, "ready")
        await run.stop("enough")
        assert await bench.ended(run) == [ItemState.STOPPED]
    assert (await text(run)).split() == ["ready", "saved"]
    assert run.item.verdict
    assert "enough" in run.item.verdict.summary


async def test_a_program_that_ignores_the_request_is_killed_after_the_grace(bench: Bench) -> None:
    run = await bench.launch(STUBBORN, timeouts=Timeouts(stop_grace=0.2))
    async with bench.agent():
        await printed(run, "ready")
        await run.stop()
        assert await bench.ended(run) == [ItemState.STOPPED]


async def test_a_launch_that_waits_for_its_slot_is_stopped_without_starting(bench: Bench) -> None:
    first, second = await bench.launch(POLITE), await bench.launch("print('no')")
    async with bench.agent():
        await printed(first, "ready")
        await second.stop()
        await first.stop()
        assert await bench.ended(first, second) == [ItemState.STOPPED] * 2
    assert await text(second) == ""


@pytest.mark.parametrize("asked_before", [False, True])
async def test_a_stop_without_grace_kills_what_had_all_the_time(
    bench: Bench, *, asked_before: bool
) -> None:
    run = await bench.launch(STUBBORN, timeouts=Timeouts(stop_grace=LONGEST_GRACE))
    async with bench.agent():
        await printed(run, "ready")
        if asked_before:
            await run.stop("please")
            await printed(run, "never")
        asked = await run.stop(now=True)
        assert asked.stop_now
        assert await bench.ended(run) == [ItemState.STOPPED]
    assert run.item.exit_code == KILLED


async def test_a_stop_without_grace_is_carried_out_by_the_next_agent(bench: Bench) -> None:
    run = await bench.launch(STUBBORN, timeouts=Timeouts(stop_grace=LONGEST_GRACE))
    async with bench.agent(drain_timeout=0):
        await printed(run, "ready")
        await running(run)
    await run.stop(now=True)
    async with bench.agent():
        assert await bench.ended(run) == [ItemState.STOPPED]
    assert run.item.exit_code == KILLED


async def test_a_run_that_does_not_start_in_time_is_ended_and_named(bench: Bench) -> None:
    await bench.client.create_queue("slow", "local-process", {"setup": ["sleep", "600"]})
    run = await bench.launch("print(1)", queue="slow", timeouts=Timeouts(start=0.3))
    async with bench.agent(queues=["slow"]):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.verdict
    assert run.item.verdict.code == "start_timeout"


async def test_a_run_that_takes_too_long_is_ended_and_named(bench: Bench) -> None:
    run = await bench.launch(POLITE, timeouts=Timeouts(run=0.5, stop_grace=PATIENCE))
    async with bench.agent():
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.verdict
    assert run.item.verdict.code == "run_timeout"
    assert run.item.exit_code != KILLED  # it was asked first


async def test_an_agent_that_is_told_to_stop_lets_its_runs_end(bench: Bench) -> None:
    gate = bench.folder / "gate"
    wait = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)"
    run, later = await bench.launch(wait), await bench.launch("print(1)")
    async with anyio.create_task_group() as tasks:
        agent = bench.agent()
        await tasks.start(agent.run)
        await running(run)
        agent.stop()
        assert "draining" in agent.status
        gate.touch()
    assert await bench.ended(run) == [ItemState.FINISHED]
    assert (await later.view()).item.state is ItemState.QUEUED


@pytest.mark.parametrize("how", ["aborted", "cancelled"])
async def test_a_run_outlives_an_agent_that_does_not_wait_and_the_next_one_attaches(
    bench: Bench, how: str
) -> None:
    gate = bench.folder / "gate"
    wait = (
        f"import os, time\nprint(os.getpid())\n"
        f"while not os.path.exists({str(gate)!r}): time.sleep(0.02)\n"
        "print('end')\nraise SystemExit(5)"
    )
    run = await bench.launch(wait)
    async with anyio.create_task_group() as tasks:
        agent = bench.agent()
        await tasks.start(agent.run)
        await running(run)
        if how == "aborted":
            agent.abort()
        else:
            tasks.cancel_scope.cancel()
    assert (await run.view()).item.state is ItemState.RUNNING
    async with bench.agent():
        gate.touch()
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.exit_code == 5
    assert (await text(run)).endswith("\nend")
    assert run.item.attempt == 1


async def test_a_drain_ends_at_its_time_limit(bench: Bench) -> None:
    run = await bench.launch(POLITE)
    async with bench.agent(drain_timeout=0.1):
        await printed(run, "ready")
        await running(run)
    assert (await run.view()).item.state is ItemState.RUNNING
    await run.stop()
    async with bench.agent():
        assert await bench.ended(run) == [ItemState.STOPPED]


async def test_a_stop_while_no_agent_lives_is_carried_out_by_the_next(bench: Bench) -> None:
    run = await bench.launch(POLITE)
    async with bench.agent(drain_timeout=0):
        await printed(run, "ready")
        await running(run)
    asked = await run.stop("while nobody listens")
    assert (asked.state, asked.stop_requested) == (ItemState.RUNNING, True)
    async with bench.agent():
        assert await bench.ended(run) == [ItemState.STOPPED]


async def test_a_program_killed_from_outside_is_a_failure_with_its_signal(bench: Bench) -> None:
    run = await bench.launch("import os, time\nprint(os.getpid())\ntime.sleep(600)")
    async with bench.agent():
        async for line in run.logs(follow=True):
            os.kill(int(line), signal.SIGKILL)
            break
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.exit_code == 137
    assert run.item.verdict
    assert run.item.verdict.code == "killed_by_signal"


async def test_nothing_of_a_run_is_left_when_it_has_ended(bench: Bench) -> None:
    run = await bench.launch("print(1)")
    async with bench.agent():
        await bench.ended(run)
    runs = bench.folder / "state" / "runs"
    await until(lambda: [path.name for path in runs.iterdir()] == [".over"])
    assert not list((bench.folder / "state" / "work").iterdir())
