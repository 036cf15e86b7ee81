"""Where chaos happens: a queue, agents as real processes, and programs that note what they do."""

import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import python_image
from docker_engine import Engine
from mounts import SmallDisk, mount, unmount
from postgres import Postgres, served

import launchkit
from launchkit import Client, LaunchHandle
from launchkit.store.connecting import migrate
from launchkit.testing.relay import Relay, relay

RUNNERS = ("local-process", "docker")
LEASE = 5
MAX_JOBS = 3
LIMIT = 4
"""So many launches of the queue may be under way, whoever holds them."""
LINES = 60
WHOLE = "\n".join(f"line {number}" for number in range(LINES))

AGENT = """
import sys, time
from pathlib import Path
real, own, all_agents = time.time, float(sys.argv.pop(1)), Path(sys.argv.pop(1))
time.time = lambda: real() + own + float(all_agents.read_text())
from launchkit.cli import main
main()
"""
PROGRAM = f"""
import os, signal, sys, time
mark = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def note(word):
    os.write(mark, f"{{word}} {{os.environ['LAUNCHKIT_RUN_ID']}}\\n".encode())

def stop(*_):
    note("end")
    os._exit(143)

signal.signal(signal.SIGTERM, stop)
note("start")
for number in range({LINES}):
    try:
        os.write(1, f"line {{number}}\\n".encode())
    except OSError:
        note("hole")
    time.sleep(float(sys.argv[2]) / {LINES})
note("end")
os._exit(int(sys.argv[3]))
"""


@dataclass
class Field:
    """What the faults work on."""

    folder: Path
    url: str
    """Of the queue, without detours."""
    agents_url: str
    """Of the queue, as the agents find it."""
    client: Client
    chance: random.Random
    disk: SmallDisk | None
    server: Postgres | None
    way: Relay | None
    image: str | None = None
    """What runs are started in, if they are containers."""
    agents: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    runs: list[LaunchHandle] = field(default_factory=list)
    stopped: set[str] = field(default_factory=set)

    @property
    def marks(self) -> Path:
        """Where the programs note what they do."""
        return self.folder / "marks"

    @property
    def _clock(self) -> Path:
        return self.folder / "clock"

    def set_clock(self, seconds: float) -> None:
        """Let the clock of all agents be off by so much."""
        (new := self.folder / "clock.new").write_text(str(seconds))
        new.replace(self._clock)

    def start_agent(self) -> None:
        """One more, with a clock of its own where the queue's is another's."""
        offset = self.chance.choice((0, 0, 600, -600)) if self.server else 0
        config = self.folder / "launch-config.yaml"
        command = [sys.executable, "-c", AGENT, str(offset), str(self._clock), "agent", "-q", "q"]
        command += ["-j", str(MAX_JOBS), "--config", str(config), "--backend", self.agents_url]
        with (self.folder / "agent.log").open("ab") as log:
            self.agents.append(subprocess.Popen(command, stderr=log))

    async def launch(self) -> None:
        """One more, of random length and exit code."""
        code = self.folder / "code"
        seconds, status = f"{self.chance.uniform(0.1, 3):.2f}", str(len(self.runs) % 3)
        args = [str(self.marks), seconds, status]
        if self.image:
            entry = ["python3", str(code / "train.py")]
            run = await self.client.launch("q", image=self.image, entry_point=entry, args=args)
        else:
            entry = [sys.executable, "train.py"]
            run = await self.client.launch("q", uri=str(code), entry_point=entry, args=args)
        self.runs.append(run)

    def end_agents(self) -> None:
        """Kill those that are left."""
        for agent in self.agents:
            agent.send_signal(signal.SIGCONT)
            agent.kill()
            agent.wait()
        self.agents.clear()


@asynccontextmanager
async def laid_out(kind: str, runner: str, seed: int) -> AsyncIterator[Field]:
    """A field with a queue in `sqlite` or `postgres` for a kind of runner."""
    with ExitStack() as places:
        folder = Path(places.enter_context(tempfile.TemporaryDirectory(prefix="launchkit-chaos-")))
        disk = places.enter_context(_disk(folder / "disk"))
        server = places.enter_context(served()) if kind == "postgres" else None
        image = places.enter_context(_image(folder)) if runner == "docker" else None
        (folder / "code").mkdir()
        (folder / "code" / "train.py").write_text(PROGRAM)
        (folder / "launch-config.yaml").write_text(
            f"state_dir: {folder}/disk/state\ncache_dir: {folder}/cache\n"
            f"lease_seconds: {LEASE}\nstopped_run_timeout: 5\n"
        )
        async with AsyncExitStack() as stack:
            way = None
            url = agents_url = f"sqlite:///{folder}/disk/queue.db"
            if server is not None:
                way = await stack.enter_async_context(relay(f"127.0.0.1:{server.port}"))
                url, agents_url = server.url, f"postgresql://lk@{way.host}/postgres"
                await migrate(url)
            client = await stack.enter_async_context(launchkit.connect(url))
            config = {"network": "none", "volume": [f"{folder}:{folder}"]} if image else {}
            await client.create_queue("q", runner, config=config, max_concurrent=LIMIT)
            chance = random.Random(seed)
            made = Field(folder, url, agents_url, client, chance, disk, server, way, image)
            made.set_clock(0)
            try:
                yield made
            finally:
                await anyio.to_thread.run_sync(made.end_agents)


@contextmanager
def _image(folder: Path) -> Iterator[str]:
    """An image with Python."""
    with Engine() as engine, python_image.available(engine, folder) as name:
        yield name


@contextmanager
def _disk(path: Path) -> Iterator[SmallDisk | None]:
    """A small file system where that is permitted, else an ordinary directory."""
    path.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=64m", "tmpfs", path):
        yield None
        return
    try:
        yield SmallDisk(path)
    finally:
        unmount(path)
