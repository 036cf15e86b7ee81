"""Containers through an agent: throughput, what it adds to each, and its memory."""

import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import anyio
from aiodocker import Docker
from docker_engine import Engine

import launchkit
from benchmarks.agents import cpu_seconds, online, resident_mib, start
from benchmarks.places import database, folder
from benchmarks.report import Figure
from launchkit import Client, LaunchHandle
from launchkit.model import ItemState, QueueItem

NUMBER = 100
AT_ONCE = 16
ROUNDS = 3
ALONE = 30
RUNNING = 200
LINES = 8_000
TALKS = 5
PRINTS = ("sh", "-c", f"n=0; while [ $n -lt {LINES} ]; do echo line $n; n=$((n+1)); done")
WAIT_SECONDS = 300.0
LOOK_SECONDS = 0.02
REST_SECONDS = 0.3
"""How long the Engine has to tidy up before it is measured again."""


@dataclass(frozen=True)
class Ground:
    """An Engine with an image, a database, and the name of a queue, which all containers bear."""

    engine: Engine
    image: str
    queue: str
    url: str
    place: Path

    @property
    def label(self) -> dict[str, str]:
        return {"launchkit.queue": self.queue}

    async def emptied(self) -> None:
        """Wait until no container is left."""
        while self.engine.containers(**self.label):  # noqa: ASYNC110
            await anyio.sleep(LOOK_SECONDS)


@contextmanager
def answering() -> Iterator[Engine]:
    """The Docker Engine of this machine."""
    with Engine() as engine:
        if not engine.answers():
            raise SystemExit("no Docker Engine answers")
        yield engine


@contextmanager
def ground() -> Iterator[Ground]:
    """All that these benchmarks need; nothing is left of it."""
    queue = f"bench-{uuid4().hex[:8]}"
    with (
        answering() as engine,
        folder() as place,
        engine.busybox(place) as image,
        database("sqlite") as url,
    ):
        made = Ground(engine, image, queue, url, place)
        try:
            yield made
        finally:
            engine.remove_containers(**made.label)


@dataclass(frozen=True)
class Works:
    """An agent at work in a process of its own."""

    ground: Ground
    client: Client
    pid: int

    async def launched(self, *command: str, number: int = 1) -> Sequence[LaunchHandle]:
        """Launches that are all in the queue before the first is claimed."""
        queue, image = self.ground.queue, self.ground.image
        await self.client.pause_queue(queue, "not all is in it yet")
        launch = self.client.launch
        runs = [await launch(queue, image=image, entry_point=command) for _ in range(number)]
        await self.client.resume_queue(queue)
        return runs


@asynccontextmanager
async def works(ground: Ground, jobs: int) -> AsyncIterator[Works]:
    """An agent that has run one container already: it has its client of the Engine."""
    async with launchkit.connect(ground.url) as client:
        await client.create_queue(ground.queue, "local-container", {"network": "none"})
        agent = start(ground.url, ground.place, ground.queue, jobs=jobs)
        try:
            await online(client)
            works = Works(ground, client, agent.pid)
            (first,) = await works.launched("true")
            await finished(first)
            await ground.emptied()
            yield works
        finally:
            agent.kill()
            await anyio.to_thread.run_sync(agent.wait)


async def cycle(docker: Docker, ground: Ground, *command: str) -> float:
    """One container by the raw API; the seconds until its log was read. Then it is removed."""
    began = time.perf_counter()
    config: Mapping[str, Any] = {
        "Image": ground.image,
        "Entrypoint": [*command],
        "Labels": ground.label,
        "HostConfig": {"NetworkMode": "none"},
    }
    container = await docker.containers.create(config)
    await container.start()
    await container.wait()
    await container.log(stdout=True, stderr=True)
    took = time.perf_counter() - began
    await container.delete()
    return took


async def bare_rate(docker: Docker, ground: Ground) -> float:
    limiter = anyio.CapacityLimiter(AT_ONCE)

    async def one() -> None:
        async with limiter:
            await cycle(docker, ground, "true")

    began = time.perf_counter()
    async with anyio.create_task_group() as tasks:
        for _ in range(NUMBER):
            tasks.start_soon(one)
    return NUMBER / (time.perf_counter() - began)


async def agent_rate(at: Works) -> float:
    """From the first claim until the last container is removed."""
    runs = await at.launched("true", number=NUMBER)
    for run in reversed(runs):
        await finished(run)
    await at.ground.emptied()
    ended = time.time()
    return NUMBER / (ended - min([await claimed_at(run) for run in runs]))


async def together(ground: Ground) -> tuple[list[float], list[float], float]:
    """Containers a second by the raw API and through an agent, by turns; the agent's CPU seconds
    for each.
    """
    bare, ours = [], []
    async with Docker() as docker, works(ground, AT_ONCE) as at:
        before = cpu_seconds(at.pid)
        for _ in range(ROUNDS):
            await anyio.sleep(REST_SECONDS)
            bare.append(await bare_rate(docker, ground))
            await anyio.sleep(REST_SECONDS)
            ours.append(await agent_rate(at))
        cpu = (cpu_seconds(at.pid) - before) / (ROUNDS * NUMBER)
    return bare, ours, cpu


async def finished(run: LaunchHandle) -> QueueItem:
    """The launch, once it has ended well: one that failed would be fast."""
    item = await run.wait(timeout=WAIT_SECONDS)
    assert item.state is ItemState.FINISHED, item.verdict
    return item


async def claimed_at(run: LaunchHandle) -> float:
    events = await run.events()
    return next(event.at for event in events if event.state is ItemState.CLAIMED)


async def alone(ground: Ground, rounds: int, *command: str) -> tuple[list[float], list[float]]:
    """The milliseconds of a container by the raw API and through an agent, by turns."""
    bare, ours = [], []
    async with Docker() as docker, works(ground, 1) as at:
        for _ in range(rounds):
            await anyio.sleep(REST_SECONDS)
            bare.append(await cycle(docker, ground, *command) * 1e3)
            await anyio.sleep(REST_SECONDS)
            (run,) = await at.launched(*command)
            ended = (await finished(run)).ended_at or 0.0
            ours.append((ended - await claimed_at(run)) * 1e3)
            await ground.emptied()
    return bare, ours


def containers() -> Iterator[Figure]:
    """Trivial containers, sixteen at once, beside aiodocker doing the same; then one at a time.

    They have no network, whose set-up would hide what an agent adds.
    Through the agent, the time of one goes from its claim until its end is stored with the
    queue, by when its log is stored too; by the raw API from its creation until its log is read.
    What is added is the difference of their medians. The removal comes after both.
    """
    with ground() as place:
        bare, ours, cpu = anyio.run(together, place)
        share = median(one / other for one, other in zip(ours, bare, strict=True))
    yield Figure("containers, bare, median", median(bare), "1/s")
    yield Figure("containers, median", median(ours), "1/s")
    yield Figure("containers, share of bare, median", share, "", ">= 0.8")
    yield Figure("containers, CPU of the agent for each", cpu * 1e3, "ms")
    with ground() as place:
        bare, ours = anyio.run(alone, place, ALONE, "true")
    yield Figure("container alone, bare, median", median(bare), "ms")
    yield Figure("container alone, median", median(ours), "ms")
    yield Figure("container alone, added to median", median(ours) - median(bare), "ms", "<= 30")


def output() -> Iterator[Figure]:
    """A container that prints lines as fast as it can, alone; as in `containers`, its log is stored
    with the queue when it has ended.
    """
    with ground() as place:
        bare, ours = anyio.run(alone, place, TALKS, *PRINTS)
    yield Figure(f"container of {LINES} lines, bare, median", median(bare), "ms")
    yield Figure(f"container of {LINES} lines, median", median(ours), "ms")


async def sleepers(ground: Ground) -> tuple[float, float]:
    """Resident memory before and with running containers, in MiB."""
    async with works(ground, -1) as at:
        before = resident_mib(at.pid)
        for run in await at.launched("sleep", "100000", number=RUNNING):
            await run.wait_until(ItemState.RUNNING, timeout=WAIT_SECONDS)
            assert run.item.state is ItemState.RUNNING, run.item.verdict
        await anyio.sleep(3)
        return before, resident_mib(at.pid)


def memory() -> Iterator[Figure]:
    """An agent's memory with running containers, and with its client of the Engine alone."""
    with ground() as place:
        before, after = anyio.run(sleepers, place)
    yield Figure("memory before containers", before, "MiB")
    yield Figure(f"memory with {RUNNING} containers", after, "MiB")
    yield Figure(
        f"memory of each of {RUNNING} containers", (after - before) * 1024 / RUNNING, "KiB"
    )
