"""Memory of an agent that tracks many runs, with a runner whose runs do nothing but run."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import anyio

from benchmarks.agents import resident_mib
from benchmarks.claims import filled
from benchmarks.places import database, folder, python
from benchmarks.report import Figure
from launchkit import Agent
from launchkit.abc import Run, Runner
from launchkit.hookspecs import hookimpl
from launchkit.model import RunState, RunStatus, Submission
from launchkit.plugins import Plugins
from launchkit.settings import load_settings


class EndlessRun(Run):
    def __init__(self, submission: Submission) -> None:
        self.ref = submission.name

    async def status(self) -> RunStatus:
        return RunStatus(state=RunState.RUNNING)

    async def changed(self, last: RunStatus) -> RunStatus:
        await anyio.sleep_forever()
        raise AssertionError

    async def cancel(self, grace: float) -> None:
        """Nothing runs."""


@dataclass(kw_only=True)
class EndlessRunner(Runner):
    kind = "local-process"

    async def submit(self, submission: Submission) -> Run:
        return EndlessRun(submission)


@hookimpl
def launchkit_runners() -> Sequence[type[Runner]]:
    """In the place of the real runner, which is blocked."""
    return [EndlessRunner]


async def track(url: str, place: str, number: int) -> tuple[float, float]:
    """Resident memory before and with so many runs, in MiB."""
    flags = {
        "backend": url,
        "entity": "e",
        "queues": ["q"],
        "max_jobs": -1,
        "state_dir": place,
        "cache_dir": place,
        "drain_timeout": 0,
    }
    plugins = Plugins(
        sys.modules[__name__],
        entry_points=False,
        environ={"LAUNCHKIT_BLOCK_PLUGINS": "local-process"},
    )
    agent = Agent(load_settings(flags=flags).settings, plugins=plugins)
    async with anyio.create_task_group() as tasks:
        await tasks.start(agent.run)
        before = resident_mib(os.getpid())
        while len(agent._under_way) < number:  # noqa: ASYNC110
            await anyio.sleep(0.2)
        await anyio.sleep(3)
        after = resident_mib(os.getpid())
        print(json.dumps([before, after]), flush=True)
        os._exit(0)


def main() -> None:
    """What the child process does."""
    anyio.run(track, sys.argv[1], sys.argv[2], int(sys.argv[3]))


def tracked_runs() -> Iterator[Figure]:
    """An agent's memory with 2,000 and 10,000 running launches."""
    for number in (2_000, 10_000):
        with database("sqlite") as url, folder() as place:
            anyio.run(filled, url, number)
            code = "from benchmarks.memory import main; main()"
            child = python("-c", code, url, str(place), str(number))
            before, after = json.loads(child.communicate()[0])
        aim = "<= 150" if number == 10_000 else ""
        yield Figure(f"memory with {number:,} runs", after, "MiB", aim)
        yield Figure(f"memory of each of {number:,} runs", (after - before) * 1024 / number, "KiB")
