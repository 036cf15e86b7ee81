"""The builder `docker` pushes through the registry `gcr`, to a real registry behind its login."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from docker_engine import Engine
from launchkit_docker.builder import DockerBuilder
from launchkit_gcp.gcr import GcrRegistry

from launchkit.abc import Site
from launchkit.model import BuildRequest
from launchkit.testing import RecordingOutput, make_launch, site_at, started

from .conftest import Environments
from .fake_artifact_registry import USER, FakeArtifactRegistry
from .fake_google import PROJECT, REGION

pytestmark = pytest.mark.usefixtures("docker_engine")
RESOURCE = f"projects/{PROJECT}/locations/{REGION}/repositories/launch"


@pytest.fixture
def word() -> str:
    return f"lk-{uuid4().hex[:12]}"


@pytest.fixture
async def site(
    served_images: FakeArtifactRegistry, environments: Environments, tmp_path: Path, word: str
) -> AsyncIterator[Site]:
    """Where an agent stands whose images go to Artifact Registry, which answers on this machine."""
    served_images.repositories[RESOURCE] = {}
    assert served_images.served
    registry = GcrRegistry(
        repository="launch", image_name=f"{word}/job", host=served_images.served.host
    )
    async with (
        environments({"docker": served_images.served.url}) as gcp,
        site_at(tmp_path / "builds", environment=gcp) as site,
        started(registry, site),
    ):
        yield replace(site, registry=registry)


@pytest.fixture
def request_(tmp_path: Path, word: str) -> BuildRequest:
    code = tmp_path / "code"
    code.mkdir()
    shutil.copy("/bin/busybox", code / "busybox")
    (code / "word").write_text(word)
    (code / "Dockerfile").write_text("FROM scratch\nCOPY busybox word /bin/\n")
    launch = make_launch(dockerfile="Dockerfile")
    return BuildRequest(launch=launch, code=code, destination=None)


async def test_an_image_is_built_pushed_and_found_again(
    docker_engine: Engine,
    served_images: FakeArtifactRegistry,
    site: Site,
    request_: BuildRequest,
    word: str,
) -> None:
    out, google = RecordingOutput(), served_images.google
    assert served_images.served
    host = served_images.served.host
    async with started(DockerBuilder(buildkit=False), site) as builder:
        image = await builder.build(request_, out)
        assert image.ref == f"{host}/{PROJECT}/launch/{word}/job@{image.digest}"
        server = replace(served_images.served, login=(USER, google.token))
        assert server.digest(image.ref) == image.digest
        assert await builder.build(request_, out) == image
    assert "is there already: nothing to build" in out.text
    assert google.token not in out.text
    for name in docker_engine.images(f"{host}/{PROJECT}/launch/{word}/"):
        docker_engine.remove(name)
