"""Builds: how long the decision takes that there is nothing to build, and how often is built."""

import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from uuid import uuid4

import anyio
from launchkit_docker.builder import DockerBuilder

import launchkit
from benchmarks.agents import start
from benchmarks.places import database, folder
from benchmarks.report import Figure
from launchkit import LaunchHandle
from launchkit.abc import Registry
from launchkit.builtin.oci.registry import OciRegistry
from launchkit.images.target import NOWHERE
from launchkit.model import ArchiveSource, BuildRequest
from launchkit.testing import RecordingOutput, registry_server
from launchkit.testing.makers import make_launch, site_at, started

from ..workshop import write_code
from .containers import answering, finished

FILES = 2000
FILE_BYTES = 25_000
TIMES = 5
LAUNCHES = 20
LAYERS = 20


@contextmanager
def own_name(*places: str) -> Iterator[str]:
    """A name for a queue and for code. The queue's containers, and images whose names begin with
    it, there or locally, are removed.
    """
    word = f"bench-{uuid4().hex[:8]}"
    with answering() as engine:
        try:
            yield word
        finally:
            engine.remove_containers(**{"launchkit.queue": word})
            for place in (NOWHERE, *places):
                for name in engine.images(f"{place}/{word}"):
                    engine.remove(name)


def write_much_code(path: Path) -> None:
    """A directory of so many files, in twenty directories."""
    write_code(path, "COPY . /code\n")
    for number in range(FILES):
        file = path / f"part{number % 20}" / f"{number}.bin"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(os.urandom(FILE_BYTES))


@asynccontextmanager
async def builder(place: Path, registry: Registry | None) -> AsyncIterator[DockerBuilder]:
    """A builder for a registry, or for the Engine alone."""
    async with site_at(place) as site:
        if registry is None:
            async with started(DockerBuilder(), site) as made:
                yield made
            return
        async with (
            started(registry, site),
            started(DockerBuilder(), replace(site, registry=registry)) as made,
        ):
            yield made


async def decision(place: Path, word: str, registry: Registry | None) -> float:
    """The median seconds of a build whose image is where it is to be."""
    source = ArchiveSource(digest="d", size=1, name=word)
    launch = make_launch(source=source, dockerfile="Dockerfile")
    request = BuildRequest(launch=launch, code=place / "code", destination=None)
    times = []
    async with builder(place, registry) as made:
        first = await made.build(request, RecordingOutput())
        for _ in range(TIMES):
            out = RecordingOutput()
            began = time.perf_counter()
            assert await made.build(request, out) == first
            times.append(time.perf_counter() - began)
            assert "nothing to build" in out.text
    return median(times)


def rebuild() -> Iterator[Figure]:
    """The second build of unchanged code: 2,000 files, 50 MB, read again to be compared. The
    files are in the system's cache; a registry on this machine is asked for the digest.
    """
    with (
        folder() as place,
        registry_server(place / "registry") as server,
        own_name(server.host) as word,
    ):
        write_much_code(place / "code")
        local = anyio.run(decision, place, word, None)
        pushed = anyio.run(decision, place, word, OciRegistry(uri=f"{server.host}/{word}"))
    yield Figure("unchanged code, image of the Engine", local, "s", "<= 1")
    yield Figure("unchanged code, image of a registry", pushed, "s", "<= 1")


async def text(run: LaunchHandle) -> str:
    return "\n".join([line async for line in run.logs()])


async def logs(url: str, place: Path, word: str) -> Sequence[str]:
    """The logs of so many launches of one source, which two agents work on."""
    layers = [f"COPY word /{number}\n" for number in range(LAYERS)]
    code = write_code(place / word, "".join(layers), word=word)
    (code / "Dockerfile").rename(code / "Dockerfile.launchkit")
    entry = ["/bin/busybox", "true"]
    async with launchkit.connect(url) as client:
        await client.create_queue(word, "local-container", {"network": "none"})
        launch = client.launch
        runs = [await launch(word, uri=str(code), entry_point=entry) for _ in range(LAUNCHES)]
        agents = [start(url, place / name, word) for name in ("a", "b")]
        try:
            for run in runs:
                await finished(run)
            return [await text(run) for run in runs]
        finally:
            for agent in agents:
                agent.kill()
                await anyio.to_thread.run_sync(agent.wait)


def at_once() -> Iterator[Figure]:
    """How often an image is built that many launches of two agents need at the same time."""
    with database("sqlite") as url, folder() as place, own_name() as word:
        for name in ("a", "b"):
            (place / name).mkdir()
        told = anyio.run(logs, url, place, word)
    built = sum(text.count("building image ") for text in told)
    yield Figure(f"builds for {LAUNCHES} launches at once of one source", built, "", "= 1")
