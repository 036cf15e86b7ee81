"""A builder on a real Engine, code for it, and a registry; all images of a test go with it."""

import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import aiodocker
import pytest
from aiodocker import DockerError
from docker_engine import Engine
from launchkit_docker.build.choice import chosen
from launchkit_docker.builder import DockerBuilder
from launchkit_docker.engine.client import EngineClient, open_client
from launchkit_docker.images.store import find
from shared import in_use
from waiting import PATIENCE

from launchkit.abc import Site
from launchkit.aio.retry import Backoff, retry
from launchkit.model import ArchiveSource, BuildRequest
from launchkit.testing import RecordingOutput, registry_server
from launchkit.testing.makers import make_launch, site_at, started

from ..workshop import LABEL, TOUCH, Make, write_code


@pytest.fixture
def out() -> RecordingOutput:
    return RecordingOutput()


@pytest.fixture
async def engine(docker_engine: Engine) -> AsyncIterator[aiodocker.Docker]:
    async with aiodocker.Docker() as engine:
        yield engine


@pytest.fixture
async def client(docker_engine: Engine) -> AsyncIterator[EngineClient]:
    """As the builder has it."""
    async with open_client() as client:
        yield client


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with site_at(tmp_path / "site") as site:
        yield site


@pytest.fixture
def buildkit() -> bool:
    """Whether the builder builds with BuildKit; files that test both have one of their own."""
    return False


@pytest.fixture
async def builder(
    client: EngineClient, build_cache: None, site: Site, buildkit: bool
) -> AsyncIterator[DockerBuilder]:
    if buildkit:
        await skip_without_buildkit(client)
    async with started(DockerBuilder(buildkit=buildkit), site) as builder:
        yield builder


async def skip_without_buildkit(client: EngineClient) -> None:
    """Skip a test where the Engine's BuildKit is known to fail."""
    if why := chosen(True, {}, await client.info()).why:
        pytest.skip(why)


@pytest.fixture(scope="session")
def build_cache(docker_engine: Engine) -> Iterator[None]:
    """What BuildKit keeps of the tests goes at their end. It does not tell whose it is, and test
    runs share it: the last one clears away.
    """
    before = kept(docker_engine)
    with in_use("build-cache") as is_last:
        yield
        left = None
        while is_last() and left != (left := kept(docker_engine) - before):
            for record in left:
                docker_engine.prune(record)


def kept(engine: Engine) -> set[str]:
    return {each["ID"] for each in engine.build_cache()}


@pytest.fixture
async def word(engine: aiodocker.Docker, client: EngineClient) -> AsyncIterator[str]:
    """A part of the names of all images of a test; they are removed at its end, and the layers of
    those that failed with them.
    """
    word = uuid.uuid4().hex[:12]
    yield word
    for image in await listed(engine):
        for name in [*(image["RepoTags"] or ()), *(image["RepoDigests"] or ())]:
            if word in name and await find(client, name):
                await engine.images.delete(name, force=True)
    for layer in await listed(engine, filters={"label": [f"{LABEL}={word}"]}):
        remove = partial(engine.images.delete, layer["Id"])
        await retry(remove, on=still_used, backoff=Backoff(first=0.05, deadline=PATIENCE))


def still_used(exc: Exception) -> bool:
    """Whether the step of a build that was broken off has not ended yet."""
    return isinstance(exc, DockerError) and exc.status == 409


async def listed(engine: aiodocker.Docker, **more: Any) -> list[dict[str, Any]]:
    """Its images. With containerd's store it cannot list them while one of another test goes."""
    backoff = Backoff(first=0.05, deadline=PATIENCE)
    return await retry(partial(engine.images.list, **more), on=DockerError, backoff=backoff)


@pytest.fixture
def make(tmp_path: Path, word: str) -> Make:
    """Requests whose image is unlike that of any other test."""

    def make(dockerfile: str = TOUCH, **fields: object) -> BuildRequest:
        code = write_code(tmp_path / "code", dockerfile, label=word, word=word)
        launch = make_launch(
            source=ArchiveSource(digest="d", size=1, name=word), dockerfile="Dockerfile"
        )
        return replace(
            BuildRequest(launch=launch, code=code, destination=None),
            **fields,  # type: ignore[arg-type] # fields of a request
        )

    return make


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    with registry_server(tmp_path / "registry") as server:
        yield server.host
