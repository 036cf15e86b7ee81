"""Trouble in watching a run is no verdict: only the infrastructure says that it ended."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import anyio
import pytest
from agent import forgetful, troubled
from agent.conftest import Bench, running, text, until

from launchkit import LaunchHandle
from launchkit.agent import under_way
from launchkit.agent.journey import Journey
from launchkit.errors import Elsewhere, LaunchError, Unreachable
from launchkit.model import ItemState

FOREIGN = ZeroDivisionError("a bug in the plugin")
KNOWN = [LaunchError("the cluster says 503"), Unreachable("the cluster is away")]


@pytest.fixture(autouse=True)
def _no_faults() -> Iterator[None]:
    for faults in (troubled.faults, forgetful.refusals):
        faults.clear()
    yield
    for faults in (troubled.faults, forgetful.refusals):
        faults.clear()


async def gated(bench: Bench) -> tuple[LaunchHandle, Path]:
    """A launch that prints, waits for a file, and prints again."""
    await bench.client.create_queue("t", "troubled")
    gate = bench.folder / "gate"
    lines = [
        "import os, time\nprint('first')",
        f"while not os.path.exists({str(gate)!r}): time.sleep(0.02)",
        "print('last')\nraise SystemExit(3)",
    ]
    return await bench.launch("\n".join(lines), queue="t"), gate


async def causes(run: LaunchHandle) -> list[str]:
    return [str(event.cause) for event in await run.events() if event.cause]


@pytest.mark.parametrize("call", ["status", "changed", "logs", "logged"])
@pytest.mark.parametrize(
    "error",
    [FOREIGN, *KNOWN, Elsewhere("it is in another region")],
    ids=["foreign", "launch", "unreachable", "elsewhere"],
)
async def test_a_look_that_fails_is_repeated_and_the_run_ends_by_itself(
    bench: Bench, call: str, error: Exception
) -> None:
    run, gate = await gated(bench)
    troubled.faults[call] += [error] * (1 if call == "logged" else 3)
    async with bench.agent(troubled, queues=["t"]):
        await until(lambda: not troubled.faults[call])
        gate.touch()
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.exit_code == 3
    assert run.item.verdict
    assert run.item.verdict.code == "user_exit"
    assert await text(run) == "first\nlast"
    told = [cause for cause in await causes(run) if "the run cannot be" in cause]
    assert len(told) == 1
    assert str(error) in told[0]


async def test_what_can_be_looked_at_again_is_told(bench: Bench) -> None:
    run, gate = await gated(bench)
    troubled.faults["status"] += KNOWN
    async with bench.agent(troubled, queues=["t"]):
        await until(lambda: not troubled.faults["status"])
        gate.touch()
        await bench.ended(run)
    assert "the run can be looked at again" in await causes(run)


async def test_a_run_that_cannot_be_ended_at_once_is_ended_later(bench: Bench) -> None:
    run, _ = await gated(bench)
    troubled.faults["cancel"] += [*KNOWN, FOREIGN]
    async with bench.agent(troubled, queues=["t"]):
        await running(run)
        await run.stop("enough")
        assert await bench.ended(run) == [ItemState.STOPPED]
    assert not troubled.faults["cancel"]


async def test_what_cannot_be_cleared_away_changes_no_verdict(bench: Bench) -> None:
    run, gate = await gated(bench)
    troubled.faults["aclose"] += [FOREIGN]
    gate.touch()
    async with bench.agent(troubled, queues=["t"]):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.exit_code == 3


async def test_a_submit_whose_answer_is_lost_is_looked_up_and_not_repeated(bench: Bench) -> None:
    run, gate = await gated(bench)
    troubled.faults["submitted"] += [FOREIGN]
    gate.touch()
    async with bench.agent(troubled, queues=["t"]):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert (run.item.exit_code, run.item.attempt) == (3, 1)
    assert await text(run) == "first\nlast"


async def test_a_submit_that_started_nothing_fails_the_launch(bench: Bench) -> None:
    run, _ = await gated(bench)
    troubled.faults["submit"] += [FOREIGN]
    async with bench.agent(troubled, queues=["t"]):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.verdict
    assert run.item.verdict.code == "internal_error"


async def left_behind(bench: Bench, run: LaunchHandle) -> None:
    async with anyio.create_task_group() as tasks:
        agent = bench.agent(troubled, queues=["t"])
        await tasks.start(agent.run)
        await running(run)
        agent.abort()


@pytest.mark.parametrize("stopped", [False, True])
async def test_a_run_that_is_not_found_at_once_is_looked_for_until_it_is(
    bench: Bench, stopped: bool
) -> None:
    run, gate = await gated(bench)
    await left_behind(bench, run)
    if stopped:
        await run.stop()
    troubled.faults["attach"] += [*KNOWN, FOREIGN]
    async with bench.agent(troubled, queues=["t"]):
        await until(lambda: not troubled.faults["attach"])
        if not stopped:
            gate.touch()
        ended = await bench.ended(run)
    assert ended == [ItemState.STOPPED if stopped else ItemState.FAILED]
    assert "before it started" not in str(run.item.verdict)


async def test_an_agent_that_goes_away_while_it_looks_for_a_run_leaves_it_found(
    bench: Bench,
) -> None:
    run, gate = await gated(bench)
    await left_behind(bench, run)
    troubled.faults["attach"] += [KNOWN[0]] * 1000
    async with anyio.create_task_group() as tasks:
        agent = bench.agent(troubled, queues=["t"])
        await tasks.start(agent.run)
        await until(lambda: len(troubled.faults["attach"]) < 1000)
        agent.abort()
    assert (await run.view()).item.ref is not None
    troubled.faults.clear()
    gate.touch()
    async with bench.agent(troubled, queues=["t"]):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert (run.item.exit_code, run.item.attempt) == (3, 1)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Agents have no patience with exceptions that they do not know."""
    monkeypatch.setattr(under_way, "Journey", partial(Journey, foreign_seconds=0))


@pytest.mark.usefixtures("hasty")
async def test_a_run_that_an_agent_cannot_watch_is_left_to_another(bench: Bench) -> None:
    run, gate = await gated(bench)
    troubled.faults["changed"] += [FOREIGN] * 1000
    async with bench.agent(troubled, queues=["t"], lease_seconds=1) as agent:
        await until(lambda: len(troubled.faults["changed"]) < 999)
        agent.stop()
    troubled.faults.clear()
    gate.touch()
    async with bench.agent(troubled, queues=["t"]):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert (run.item.exit_code, run.item.attempt) == (3, 1)
    assert await text(run) == "first\nlast"


async def claimed_at(run: LaunchHandle) -> float:
    return next(event.at for event in await run.events() if event.state is ItemState.CLAIMED)


@pytest.mark.usefixtures("hasty")
async def test_a_run_that_is_left_alive_keeps_its_slot_and_is_gone_on_with(bench: Bench) -> None:
    run, gate = await gated(bench)
    second = await bench.launch("print(2)", queue="t")
    troubled.faults["changed"] += [FOREIGN] * 1000
    async with bench.agent(troubled, queues=["t"], lease_seconds=1, max_jobs=1):
        await until(lambda: len(troubled.faults["changed"]) < 998)
        troubled.faults.clear()
        gate.touch()
        assert await bench.ended(run, second) == [ItemState.FAILED, ItemState.FINISHED]
    assert (run.item.exit_code, run.item.attempt) == (3, 1)
    assert await text(run) == "first\nlast"
    assert run.item.ended_at
    assert run.item.ended_at <= await claimed_at(second)
    assert not [event for event in await run.events() if event.kind == "lease"]


@pytest.mark.usefixtures("hasty")
async def test_what_a_launch_came_to_is_kept_where_its_run_is_gone_on_with_and_stopped(
    bench: Bench,
) -> None:
    run, _ = await gated(bench)
    troubled.faults["changed"] += [FOREIGN] * 1000
    async with bench.agent(troubled, queues=["t"], lease_seconds=1):
        await until(lambda: len(troubled.faults["changed"]) < 998)
        troubled.faults.clear()
        await run.stop(now=True)
        assert await bench.ended(run) == [ItemState.STOPPED]
    assert {"command", "ends_as"} <= {*(run.item.resolved or {})}


async def test_a_run_of_which_the_queue_will_not_hear_keeps_its_slot(bench: Bench) -> None:
    forgetful.refuse()
    run, gate = await gated(bench)
    second = await bench.launch("print(2)", queue="t")
    url = bench.url.replace("sqlite", "forgetful")
    more = {"backend": url, "queues": ["t"], "lease_seconds": 1, "max_jobs": 1}
    async with bench.agent(forgetful, troubled, **more):
        await until(lambda: not forgetful.refusals)
        gate.touch()
        assert await bench.ended(run, second) == [ItemState.FAILED, ItemState.FINISHED]
    assert await text(run) == "first\nlast"
    assert run.item.ended_at
    assert run.item.ended_at <= await claimed_at(second)


async def test_one_word_ends_an_agent_whose_queue_is_damaged(bench: Bench) -> None:
    forgetful.refuse(1000)
    run, gate = await gated(bench)
    url = bench.url.replace("sqlite", "forgetful")
    async with bench.agent(forgetful, troubled, backend=url, queues=["t"]) as agent:
        await until(lambda: len(forgetful.refusals) < 1000)
        agent.stop()
    forgetful.refusals.clear()
    gate.touch()
    async with bench.agent(troubled, queues=["t"]):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert (run.item.exit_code, run.item.attempt) == (3, 1)


async def test_an_idle_agent_outlives_a_queue_that_goes_away(bench: Bench) -> None:
    forgetful.away(2)
    url = bench.url.replace("sqlite", "forgetful")
    async with bench.agent(forgetful, backend=url):
        await until(lambda: not forgetful.faults)
        run = await bench.launch("print(1)")
        assert await bench.ended(run) == [ItemState.FINISHED]
