"""The guarantee, with agents as real processes that are killed for real."""

import fcntl
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest
from agent.conftest import Bench, running, text, until
from waiting import PATIENCE

from launchkit import LaunchHandle
from launchkit.abc import Release
from launchkit.model import ItemState, Timeouts

pytestmark = pytest.mark.long

KILLS = int(os.environ.get("LAUNCHKIT_TEST_KILLS", "10"))
JOBS = 3
"""So many more are launched for each agent that is to be killed: none is idle."""
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


def start(bench: Bench, *flags: str) -> "subprocess.Popen[bytes]":
    config = bench.folder / "launch-config.yaml"
    config.write_text(
        f"state_dir: {bench.folder}/state\n"
        f"cache_dir: {bench.folder}/cache\n"
        f"stopped_run_timeout: {PATIENCE:.0f}\n"
    )
    command = [sys.executable, "-m", "launchkit", "agent", "-q", "q", "-j", "4", *flags]
    command += ["--config", str(config), "--backend", bench.url]
    with (bench.folder / "agent.log").open("ab") as log:
        return subprocess.Popen(command, stderr=log)


async def ended(process: "subprocess.Popen[bytes]") -> int:
    return await anyio.to_thread.run_sync(process.wait)


async def at_work(bench: Bench, agents: "Sequence[subprocess.Popen[bytes]]") -> None:
    """Wait until one of them has claimed a launch."""
    pids, claimed = {agent.pid for agent in agents}, False
    with anyio.fail_after(PATIENCE):
        while not claimed:
            names = [a.status.name for a in await bench.client.agents() if a.status.pid in pids]
            claimed = any([await bench.client.launches(agent=name, limit=1) for name in names])


async def launch_and_kill(bench: Bench, chance: random.Random, marks: Path) -> list[LaunchHandle]:
    """Kill agents at random moments of their work until so many are dead; what was launched."""
    kills, runs = 0, list[LaunchHandle]()
    while kills < KILLS:
        agents = [start(bench) for _ in range(chance.choice((1, 1, 2)))]
        for _ in range(JOBS * len(agents)):
            pause, code = f"{chance.uniform(0, 0.4):.3f}", str(len(runs) % 3)
            runs.append(await bench.launch(COUNTED, str(marks), pause, code))
        await at_work(bench, agents)
        await anyio.sleep(chance.uniform(0, 0.5))  # a random moment, not a condition
        for agent in agents:
            agent.kill()
            await ended(agent)
            kills += 1
    return runs


async def end_of(bench: Bench, run: LaunchHandle) -> ItemState:
    """How it ended; of which five agents died in a row before it ran, somebody lets it go on."""
    if (await run.wait_until(ItemState.HELD)).state is ItemState.HELD:
        await bench.client.hub.launches().change(run.id, Release(), "ann")
    return (await run.wait()).state


async def test_after_many_kills_every_job_has_run_once_and_every_log_is_whole(
    bench: Bench,
) -> None:
    chance = random.Random(int(os.environ.get("LAUNCHKIT_TEST_SEED", "20")))
    marks = bench.folder / "marks"
    runs = await launch_and_kill(bench, chance, marks)
    async with bench.agent(max_jobs=8):
        with anyio.fail_after(PATIENCE):
            states = [await end_of(bench, run) for run in runs]
    events = [event for run in runs for event in await run.events()]
    taken_over = sum("fell silent" in str(event.cause) for event in events)
    assert taken_over >= KILLS / 2  # else the kills hit nothing
    assert Counter(marks.read_text().split()) == Counter(run.run_id for run in runs)
    assert states == [ItemState.FAILED if n % 3 else ItemState.FINISHED for n in range(len(runs))]
    assert [run.item.exit_code for run in runs] == [n % 3 for n in range(len(runs))]
    whole = "\n".join(f"line {n}" for n in range(LINES))
    assert all([await text(run) == whole for run in runs])


async def test_a_second_agent_takes_over_what_a_killed_one_left(bench: Bench) -> None:
    gate = bench.folder / "gate"
    wait = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)\nprint(7)"
    run = await bench.launch(wait)
    first = start(bench)
    await running(run)
    async with bench.agent(lease_seconds=1):
        first.kill()
        await ended(first)
        gate.touch()
        assert await bench.ended(run) == [ItemState.FINISHED]
    assert await text(run) == "7"
    events = await run.events()
    assert any("fell silent" in str(event.cause) for event in events)


async def test_an_agent_that_is_started_anew_under_its_name_has_its_launches_back_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAUNCHKIT_NAME", "box")
    monkeypatch.setenv("LAUNCHKIT_LEASE_SECONDS", "3600")
    gate = bench.folder / "gate"
    wait = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)\nprint(7)"
    run = await bench.launch(wait)
    first = start(bench)
    await running(run)
    first.kill()
    await ended(first)
    async with bench.agent():
        gate.touch()
        assert await bench.ended(run) == [ItemState.FINISHED]
    assert await text(run) == "7"


async def stop_between_writes(agent: "subprocess.Popen[bytes]", bench: Bench) -> None:
    """Stop a process, but not while it has the turn to write or is next: all would wait for it."""
    database = bench.url.removeprefix("sqlite:///")
    stat = Path(f"/proc/{agent.pid}/stat")
    while True:
        agent.send_signal(signal.SIGSTOP)
        await until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T")
        if free(f"{database}-next") and free(f"{database}-turn"):
            return
        agent.send_signal(signal.SIGCONT)
        await anyio.sleep(0.01)


def free(lock: str) -> bool:
    with Path(lock).open("rb+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


async def test_a_stopped_agent_that_wakes_up_late_does_no_harm(bench: Bench) -> None:
    marks = bench.folder / "marks"
    runs = [await bench.launch(COUNTED, str(marks), "0.1", "0") for _ in range(6)]
    sleeper = start(bench)
    await at_work(bench, [sleeper])
    await stop_between_writes(sleeper, bench)
    async with bench.agent(lease_seconds=0.5, max_jobs=4):
        await bench.ended(*runs[4:])
    sleeper.send_signal(signal.SIGCONT)
    async with bench.agent():
        assert await bench.ended(*runs) == [ItemState.FINISHED] * 6
    sleeper.terminate()
    assert await ended(sleeper) == 0
    assert Counter(marks.read_text().split()) == Counter(run.run_id for run in runs)


async def draining(bench: Bench) -> None:
    with anyio.fail_after(PATIENCE):
        while not all(a.status.draining for a in await bench.client.agents()):  # noqa: ASYNC110
            await anyio.sleep(0.02)


async def test_sigterm_drains_and_a_second_one_leaves_runs_to_the_next_agent(
    bench: Bench,
) -> None:
    gate = bench.folder / "gate"
    wait = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)\nprint(7)"
    run = await bench.launch(wait, timeouts=Timeouts(stop_grace=1))
    agent = start(bench)
    await running(run)
    agent.send_signal(signal.SIGTERM)
    await draining(bench)  # two that come at once are one
    assert agent.poll() is None
    agent.send_signal(signal.SIGTERM)
    assert await ended(agent) == 130
    assert (await run.view()).item.state is ItemState.RUNNING
    gate.touch()
    assert await ended(start(bench, "--exit-when-idle")) == 0
    assert (await run.view()).item.state is ItemState.FINISHED
    assert await text(run) == "7"


async def test_two_agents_on_one_queue_share_it(bench: Bench) -> None:
    marks = bench.folder / "marks"
    runs = [await bench.launch(COUNTED, str(marks), "0", "0") for _ in range(20)]
    agents = [start(bench, "--exit-when-idle") for _ in range(2)]
    for agent in agents:
        assert await ended(agent) == 0
    assert await bench.ended(*runs) == [ItemState.FINISHED] * 20
    assert Counter(marks.read_text().split()) == Counter(run.run_id for run in runs)


async def test_a_full_disk_loses_nothing(
    bench: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from store.conftest import fill, mounted

    with mounted(tmp_path / "disk") as disk:
        import launchkit

        url = f"sqlite:///{disk}/launchkit.db"
        async with launchkit.connect(url) as client:
            small = Bench(client, url, bench.folder)
            await client.create_queue("q", "local-process")
            runs = [
                await small.launch(COUNTED, str(bench.folder / "marks"), "0.1", "0")
                for _ in range(4)
            ]
            async with small.agent(max_jobs=2, lease_seconds=3):
                await runs[0].wait_until(ItemState.RUNNING, timeout=PATIENCE)
                ballast = disk / "ballast"
                await anyio.to_thread.run_sync(fill, ballast)
                await until(lambda: "full" in caplog.text)
                ballast.unlink()
                assert await small.ended(*runs) == [ItemState.FINISHED] * 4
            assert len((bench.folder / "marks").read_text().split()) == 4
