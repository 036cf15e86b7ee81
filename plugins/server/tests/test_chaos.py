"""The service and its agents are killed and started anew at random under real jobs: each job runs
once, ends as it ended, and its log is whole.
"""

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from waiting import PATIENCE, until

import launchkit
from launchkit import Client, LaunchHandle
from launchkit.errors import Unreachable
from launchkit.model import ItemState

from .places import Place

pytestmark = pytest.mark.long

JOBS = int(os.environ.get("LAUNCHKIT_TEST_CHAOS_JOBS", "20"))
SEED = int(os.environ.get("LAUNCHKIT_TEST_SEED", "13"))
JOBS_A_KILL = 10
LEASE_SECONDS = 6.0
LINES = 300

COUNTED = f"""
import os, sys, time
mark = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
os.write(mark, (os.environ["LAUNCHKIT_RUN_ID"] + "\\n").encode())
for n in range({LINES}):
    print("line", n)
    if n % 100 == 0:
        time.sleep(float(sys.argv[2]))
sys.exit(int(sys.argv[3]))
"""


class Crew:
    """A service and two agents, each killed and started anew as the test wants it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._words = {"server": place.server_words}
        for name in ("one", "two"):
            (place.folder / f"{name}.yaml").write_text(
                f"name: {name}\nstate_dir: state\ncache_dir: cache\n"
            )
            self._words[name] = ("agent", "-q", "q", "-j", "4", "-c", f"{name}.yaml")
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def names(self) -> Sequence[str]:
        return tuple(self._words)

    def start(self, name: str) -> None:
        self.processes[name] = self._place.start(*self._words[name])

    async def kill(self, name: str) -> None:
        assert self.processes[name].poll() is None, self._place.logs()
        self.processes[name].kill()
        await anyio.to_thread.run_sync(self.processes[name].wait)

    async def end(self) -> None:
        """The agents first, so that their ends are heard."""
        for name in reversed(self.names):
            if name in self.processes:
                self.processes[name].terminate()
                await anyio.to_thread.run_sync(self.processes[name].wait)


@pytest.fixture
def place(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    place = Place(
        tmp_path,
        LAUNCHKIT_SERVER_DATABASE=database_url,
        LAUNCHKIT_SERVER_LEASE=str(LEASE_SECONDS),
    )
    monkeypatch.setenv("LAUNCHKIT_TOKEN_FILE", str(place.token_file))
    return place


@asynccontextmanager
async def crew_of(place: Place) -> AsyncIterator[Crew]:
    crew = Crew(place)
    try:
        crew.start("server")
        await until(place.ready)
        yield crew
    finally:
        with anyio.CancelScope(shield=True):
            await crew.end()


async def launch(client: Client, place: Place, number: int, pause: float) -> LaunchHandle:
    """Launch, again and again until it is known to be launched."""
    args = (str(place.folder / "marks"), f"{pause:.3f}", str(number % 3))
    entry = [sys.executable, "-u", "train.py"]
    uri = str(place.folder / "code")
    while True:
        try:
            return await client.launch(
                "q", uri=uri, entry_point=entry, args=args, idempotency_key=str(number)
            )
        except Unreachable:
            await anyio.sleep(0.1)


async def launch_and_kill(client: Client, place: Place, crew: Crew) -> list[LaunchHandle]:
    """Launch all, and meanwhile kill each of the crew in turn at random moments."""
    chance = random.Random(SEED)
    runs: dict[int, LaunchHandle] = {}

    async def launch_one(number: int) -> None:
        runs[number] = await launch(client, place, number, chance.uniform(0, 0.5))

    victims: list[str] = []
    while len(runs) < JOBS:
        victims = victims or chance.sample(crew.names, len(crew.names))
        async with anyio.create_task_group() as tasks:
            for number in range(len(runs), min(len(runs) + JOBS_A_KILL, JOBS)):
                tasks.start_soon(launch_one, number)
            await anyio.sleep(chance.uniform(0, 1.5))  # a random moment, not a condition
            victim = victims.pop()
            await crew.kill(victim)
            await anyio.sleep(chance.uniform(0, 0.5))
            crew.start(victim)
    return [runs[number] for number in range(JOBS)]


async def text(run: LaunchHandle) -> str:
    return "\n".join([line async for line in run.logs()])


async def test_each_job_runs_once_while_all_that_could_serve_it_is_killed(place: Place) -> None:
    code = place.folder / "code"
    code.mkdir()
    (code / "train.py").write_text(COUNTED)
    async with crew_of(place) as crew, launchkit.connect(place.url) as client:
        await client.create_queue("q", "local-process")
        crew.start("one")
        crew.start("two")
        runs = await launch_and_kill(client, place, crew)
        await until(place.ready)
        with anyio.fail_after(PATIENCE + JOBS):
            ends = [(await run.wait()) for run in runs]
        logs = [await text(run) for run in runs]
    assert Counter((place.folder / "marks").read_text().split()) == Counter(
        run.run_id for run in runs
    )
    assert [end.exit_code for end in ends] == [n % 3 for n in range(JOBS)]
    assert {end.state for end in ends} == {ItemState.FINISHED, ItemState.FAILED}
    assert logs == ["\n".join(f"line {n}" for n in range(LINES))] * JOBS
