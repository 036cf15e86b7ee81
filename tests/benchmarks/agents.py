"""The agent as a process: pickup, idle cost, throughput, memory and log pump."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import anyio

import launchkit
from benchmarks.places import Kind, database, folder
from benchmarks.report import Figure, percentile
from launchkit import Client, LaunchHandle
from launchkit.model import ItemState

TICKS = os.sysconf("SC_CLK_TCK")


def start(
    url: str, place: Path, *queues: str, jobs: int = -1, settings: str = ""
) -> "subprocess.Popen[bytes]":
    """An agent in a process of its own."""
    config = place / "launch-config.yaml"
    config.write_text(f"state_dir: {place}/state\ncache_dir: {place}/cache\n{settings}")
    command = [sys.executable, "-m", "launchkit", "agent", "--config", str(config)]
    command += ["--backend", url, "-j", str(jobs), "-l", str(place / "log")]
    for queue in queues:
        command += ["-q", queue]
    return subprocess.Popen(command)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


async def online(client: Client) -> None:
    while not await client.agents():  # noqa: ASYNC110
        await anyio.sleep(0.05)


async def launch_many(
    client: Client, place: Path, number: int, entry: Sequence[str], pause: float = 0.0
) -> list[LaunchHandle]:
    code = place / "code"
    code.mkdir(exist_ok=True)
    (code / "file").touch()
    runs = []
    for _ in range(number):
        runs.append(await client.launch("q", uri=str(code), entry_point=entry))
        await anyio.sleep(pause)
    return runs


async def _pickup(url: str, place: Path) -> list[float]:
    async with launchkit.connect(url) as client:
        await client.create_queue("q", "local-process")
        agent = start(url, place, "q")
        await online(client)
        runs = await launch_many(client, place, 200, ["true"], pause=0.03)
        waits = []
        for run in runs:
            await run.wait()
            at = {event.state: event.at for event in await run.events() if event.state}
            waits.append((at[ItemState.CLAIMED] - at[ItemState.QUEUED]) * 1e3)
        agent.terminate()
        await anyio.to_thread.run_sync(agent.wait)
        return waits


def pickup() -> Iterator[Figure]:
    """From a launch in one process to its claim in another."""
    kinds: tuple[Kind, ...] = ("sqlite", "postgresql")
    for kind in kinds:
        with database(kind) as url, folder() as place:
            waits = anyio.run(_pickup, url, place)
        yield Figure(f"pickup {kind} median", median(waits), "ms", "<= 20")
        yield Figure(f"pickup {kind} p99", percentile(waits, 0.99), "ms", "<= 50")


async def _idle(url: str, place: Path, queues: int) -> tuple[float, float]:
    async with launchkit.connect(url) as client:
        names = [f"q{number}" for number in range(queues)]
        for name in names:
            await client.create_queue(name, "local-process")
        agent = start(url, place, *names)
        await online(client)
        await anyio.sleep(3)
        before = cpu_seconds(agent.pid)
        await anyio.sleep(20)
        share = (cpu_seconds(agent.pid) - before) / 20
        memory = resident_mib(agent.pid)
        agent.terminate()
        await anyio.to_thread.run_sync(agent.wait)
        return share, memory


def idle() -> Iterator[Figure]:
    """What an agent costs that waits."""
    for queues in (1, 20):
        with database("sqlite") as url, folder() as place:
            share, memory = anyio.run(_idle, url, place, queues)
        yield Figure(f"idle agent, {queues} queues, of a core", share * 100, "%", "<= 0.5")
        yield Figure(f"idle agent, {queues} queues, memory", memory, "MiB", "<= 60")


JOB = [sys.executable, "-S", "-c", "pass"]


async def _bare(number: int) -> float:
    limiter = anyio.CapacityLimiter(4)

    async def one() -> None:
        async with limiter:
            await anyio.run_process(JOB)

    began = time.perf_counter()
    async with anyio.create_task_group() as tasks:
        for _ in range(number):
            tasks.start_soon(one)
    return number / (time.perf_counter() - began)


async def _ours(url: str, place: Path, number: int) -> float:
    async with launchkit.connect(url) as client:
        await client.create_queue("q", "local-process")
        runs = await launch_many(client, place, number, JOB)
        agent = start(url, place, "q", jobs=4)
        await runs[0].wait()
        for run in runs:
            await run.wait()
        agent.terminate()
        await anyio.to_thread.run_sync(agent.wait)
        ends = [run.item.ended_at or 0.0 for run in runs]
        starts = [(await run.events())[1].at for run in runs]
        return number / (max(ends) - min(starts))


def local_processes() -> Iterator[Figure]:
    """Trivial local processes, four at once, beside `anyio.run_process` doing the same."""
    bare = anyio.run(_bare, 200)
    with database("sqlite") as url, folder() as place:
        ours = anyio.run(_ours, url, place, 200)
    yield Figure("local processes, bare", bare, "1/s")
    yield Figure("local processes", ours, "1/s")
    yield Figure("local processes, share of bare", ours / bare, "", ">= 0.7")


async def _pump(url: str, place: Path) -> float:
    write = (
        "import sys; b = (b'x' * 1023 + b'\\n') * 1024\n"
        "for _ in range(256): sys.stdout.buffer.write(b)"
    )
    async with launchkit.connect(url) as client:
        await client.create_queue("q", "local-process")
        agent = start(url, place, "q")
        await online(client)
        (run,) = await launch_many(client, place, 1, [sys.executable, "-c", write])
        began = time.perf_counter()
        await run.wait()
        took = time.perf_counter() - began
        agent.terminate()
        await anyio.to_thread.run_sync(agent.wait)
        return 256 / took


def log_pump() -> Iterator[Figure]:
    """How fast a run's output reaches the stored log."""
    kinds: tuple[Kind, ...] = ("sqlite", "postgresql")
    for kind in kinds:
        with database(kind) as url, folder() as place:
            yield Figure(f"log pump {kind}", anyio.run(_pump, url, place), "MiB/s")


def start_up() -> Iterator[Figure]:
    """Whole processes: `import launchkit` and `--version`, beside a bare interpreter."""
    for name, args in (
        ("python -c pass", ("-c", "pass")),
        ("import launchkit", ("-c", "import launchkit")),
        ("launchkit --version", ("-m", "launchkit", "--version")),
    ):
        times = []
        for _ in range(15):
            began = time.perf_counter()
            subprocess.run([sys.executable, *args], check=True, stdout=subprocess.DEVNULL)
            times.append((time.perf_counter() - began) * 1e3)
        aim = {"import launchkit": "<= 150", "launchkit --version": "<= 250"}.get(name, "")
        yield Figure(f"{name}, median", median(times), "ms", aim)
