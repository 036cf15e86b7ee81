"""The builder `docker` pushes through the registry `gcr`, to a real registry behind its login."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from docker_engine import Engine
from launchkit_docker.builder import DockerBuilder
from launchkit_gcp.gcr import GcrRegistry
from pushed_image import pushed, request_of

from launchkit.abc import Site
from launchkit.model import BuildRequest
from launchkit.testing import site_at, started

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
    return request_of(word, tmp_path)


async def test_an_image_is_built_pushed_and_found_again(
    docker_engine: Engine,
    served_images: FakeArtifactRegistry,
    site: Site,
    request_: BuildRequest,
    word: str,
) -> None:
    async with started(DockerBuilder(buildkit=False), site) as builder:
        image, said = await pushed(builder, request_, docker_engine)
    served, token = served_images.served, served_images.google.token
    assert served
    assert image.ref == f"{served.host}/{PROJECT}/launch/{word}/job@{image.digest}"
    assert replace(served, login=(USER, token)).digest(image.ref) == image.digest
    assert token not in said
