"""Why a run is ended is stored before it is told to: whoever finds it half ended says so, too."""

from collections.abc import Awaitable, Callable

import pytest
from agent import stage
from agent.conftest import Bench, running
from agent.test_crash import ended, start
from agent.test_ending import POLITE, printed
from agent.test_take_over import an_hour_goes_by
from waiting import until

from launchkit import LaunchHandle
from launchkit.agent.outcomes import preempted
from launchkit.codec import plain
from launchkit.model import AgentCapacity, ItemReport, ItemState, Timeouts, Verdict
from launchkit.store.backend import StoreBackend
from launchkit.testing import site_at, started

HOUR = 3600.0
TWICE = (
    "import signal, sys, time\n"
    "def asked(*_):\n"
    "    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
    "    print('asked')\n"
    "signal.signal(signal.SIGTERM, asked)\n"
    "print('ready')\n"
    "while True: time.sleep(0.05)"
)
"""Ends when it is asked for the second time: the first time by an agent that does not live on."""
SAVES = (
    "import os, signal, sys, time\n"
    "def asked(*_):\n"
    "    print('asked', flush=True)\n"
    "    while not os.path.exists(sys.argv[1]): time.sleep(0.02)\n"
    "    sys.exit(0)\n"
    "signal.signal(signal.SIGTERM, asked)\n"
    "print('ready')\n"
    "while True: time.sleep(0.05)"
)
"""Ends when it is asked, and there is a file."""
SLOW_TO_LEAVE = """
a=ask r=read
trap 'echo ${a}ed; while ! [ -e GATE ]; do sleep 0.02; done; exit 1' TERM
echo ${r}y
while :; do sleep 0.05; done
"""
"""The same, in a shell, of which the log has its own text, too."""
SETUP = """
n=0; word=ask
trap 'n=$((n+1)); echo ${word}ed; [ $n = 1 ] || exit 1' TERM
while :; do sleep 0.05; done
"""


async def verdict_of_the_next(
    bench: Bench, run: LaunchHandle, state: ItemState, **settings: object
) -> Verdict:
    """What another agent says of a launch."""
    async with bench.agent(**settings):
        assert await bench.ended(run) == [state]
    assert run.item.verdict
    return run.item.verdict


async def half_ended(
    bench: Bench, run: LaunchHandle, *flags: str, act: Callable[[], Awaitable[object]] | None = None
) -> None:
    """Let an agent ask *run* to end, after *act* if there is one, and kill it while it waits."""
    agent = start(bench, *flags)
    if act is not None:
        await printed(run, "ready")
        await act()
    await printed(run, "asked")
    agent.kill()
    await ended(agent)


async def test_a_run_that_was_ended_for_its_time_is_told_so_by_the_next_agent(
    bench: Bench,
) -> None:
    run = await bench.launch(TWICE, timeouts=Timeouts(run=1, stop_grace=HOUR))
    await half_ended(bench, run)
    verdict = await verdict_of_the_next(bench, run, ItemState.FAILED)
    assert verdict.code == "run_timeout"


async def test_a_run_that_did_not_start_in_time_is_told_so_by_the_next_agent(bench: Bench) -> None:
    await bench.client.create_queue("slow", "local-process", {"setup": SETUP})
    run = await bench.launch("print(1)", queue="slow", timeouts=Timeouts(start=1, stop_grace=HOUR))
    await half_ended(bench, run, "-q", "slow")
    verdict = await verdict_of_the_next(bench, run, ItemState.FAILED, queues=["slow"])
    assert verdict.code == "start_timeout"


@pytest.mark.parametrize("limit", ["run", "start"])
async def test_a_run_that_ended_for_its_time_while_no_agent_lived_is_told_so(
    bench: Bench, limit: str
) -> None:
    gate, timeouts = bench.folder / "gate", {limit: HOUR, "stop_grace": HOUR}
    setup = {"setup": SLOW_TO_LEAVE.replace("GATE", str(gate))} if limit == "start" else {}
    await bench.client.create_queue("timed", "local-process", setup)
    run = await bench.launch(SAVES, str(gate), queue="timed", timeouts=Timeouts(**timeouts))
    agent = start(bench, "-q", "timed")
    await printed(run, "ready")
    await run.wait_until(ItemState.RUNNING if limit == "run" else ItemState.STARTING)
    agent.kill()
    await ended(agent)
    an_hour_goes_by(bench)
    await half_ended(bench, run, "-q", "timed")
    gate.touch()
    await until(lambda: [*bench.folder.glob("state/**/exit")])
    verdict = await verdict_of_the_next(bench, run, ItemState.FAILED, queues=["timed"])
    assert verdict.code == f"{limit}_timeout"


async def test_who_stopped_a_run_and_why_is_told_by_the_next_agent(bench: Bench) -> None:
    run = await bench.launch(TWICE, timeouts=Timeouts(stop_grace=HOUR))
    await half_ended(bench, run, act=lambda: run.stop("enough"))
    verdict = await verdict_of_the_next(bench, run, ItemState.STOPPED)
    assert verdict.code == "stopped"
    assert verdict.summary.endswith(": enough.")


async def test_who_stopped_a_run_that_nobody_watched_is_told_by_the_next_agent(
    bench: Bench,
) -> None:
    run = await bench.launch(POLITE)
    async with bench.agent(drain_timeout=0):
        await running(run)
    await run.stop("while nobody listens")
    verdict = await verdict_of_the_next(bench, run, ItemState.STOPPED)
    assert verdict.summary.startswith("Stopped by ")
    assert verdict.summary.endswith(": while nobody listens.")


@pytest.mark.parametrize("state", [ItemState.SUBMITTING, ItemState.RUNNING])
async def test_what_ends_with_its_agent_is_tried_again_if_that_was_killed_while_it_went_away(
    bench: Bench, state: ItemState
) -> None:
    await bench.client.create_queue("stage", "stage")
    run = await bench.launch("print(1)", queue="stage")
    capacity = AgentCapacity(agent="gone", site="here", resources=frozenset({"stage"}))
    ends_as = plain(preempted("agent gone is shutting down"))
    made = StoreBackend(url=bench.url, entity=run.item.entity)
    async with site_at(bench.folder / "site") as site, started(made, site) as backend:
        claim = await backend.claim("stage", capacity)
        assert claim is not None
        report = ItemReport(state=state, ref="lost", resolved={"ends_as": ends_as})
        await backend.report(claim, report)
        await backend.leave("gone", dead=True)
    async with bench.agent(stage, queues=["stage"]):
        assert await bench.ended(run) == [ItemState.FINISHED]
    assert run.item.attempt == 2
    causes = [event.cause for event in await run.events()]
    assert "preempted: agent gone is shutting down" in causes
