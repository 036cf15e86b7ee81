"""An agent that slept at the wrong moment: what it would do late is not done."""

import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass, field

import anyio
from agent.conftest import Bench, running, until
from agent.sleepy import SleepyAgent
from run_processes import tagged
from waiting import PATIENCE

from launchkit import LaunchHandle
from launchkit.abc import Run, Runner
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.errors import SubmitError
from launchkit.hookspecs import hookimpl
from launchkit.model import ItemState, Submission
from launchkit.plugins import Plugins

HOUR = 3600.0
asleep, awake = anyio.Event(), anyio.Event()
refused: dict[str, str] = {}


@dataclass(kw_only=True)
class SleepyRunner(LocalProcessRunner):
    """The real runner, with a long pause before it submits."""

    slept: bool = field(init=False, default=False)

    async def submit(self, submission: Submission) -> Run:
        asleep.set()
        await awake.wait()
        try:
            return await super().submit(submission)
        except SubmitError as exc:
            refused[submission.name] = exc.message
            raise


@hookimpl
def launchkit_runners() -> list[type[Runner]]:
    return [SleepyRunner]


async def test_what_is_submitted_after_the_launch_was_stopped_does_not_begin(bench: Bench) -> None:
    module = sys.modules[__name__]
    blocked = {"LAUNCHKIT_BLOCK_PLUGINS": "local-process"}
    plugins = Plugins(module, entry_points=False, environ=blocked)
    run = await bench.launch("import time\nprint('up')\ntime.sleep(600)")
    async with SleepyAgent(bench.settings(lease_seconds=0.5), plugins=plugins):
        await asleep.wait()
        await run.stop()
        async with bench.agent(lease_seconds=0.5):
            assert await bench.ended(run) == [ItemState.STOPPED]
        awake.set()
        await until(lambda: bool(refused))
    [(name, why)] = refused.items()
    assert "a run of this name is over already" in why
    assert tagged(name) == []


def lapse(bench: Bench, run: LaunchHandle) -> None:
    path = bench.url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, timeout=PATIENCE)) as database, database:
        database.execute("update item set lease_until = 0 where id = ?", (run.id,))


async def test_an_agent_that_claims_its_own_lapsed_launch_again_goes_on(bench: Bench) -> None:
    gate = bench.folder / "gate"
    wait = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)"
    agent = SleepyAgent(bench.settings(lease_seconds=HOUR, max_jobs=-1))
    async with agent:
        run = await bench.launch(wait)
        await running(run)
        lapse(bench, run)
        taken = False
        while not taken:
            await bench.ended(await bench.launch("print(1)"))  # wakes the poller each time
            taken = any("taken up again" in str(event.cause) for event in await run.events())
        gate.touch()
        last = await bench.launch("print(2)")
        assert await bench.ended(run, last) == [ItemState.FINISHED] * 2
