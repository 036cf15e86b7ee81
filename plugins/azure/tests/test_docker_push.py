"""The builder `docker` pushes through the registry `acr`, to a real registry behind its tokens."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from docker_engine import Engine
from fake_acr import FakeAcr
from fake_entra import FakeEntra
from launchkit_azure.acr import AcrRegistry
from launchkit_docker.builder import DockerBuilder

from launchkit.abc import Site
from launchkit.model import BuildRequest
from launchkit.testing import RecordingOutput, make_launch, site_at, started

from .conftest import Environments

pytestmark = pytest.mark.usefixtures("docker_engine")


@pytest.fixture
def word() -> str:
    return f"lk-{uuid4().hex[:12]}"


@pytest.fixture
async def site(
    azure_registry: FakeAcr,
    entra_id: FakeEntra,
    environments: Environments,
    tmp_path: Path,
    word: str,
) -> AsyncIterator[Site]:
    """Where an agent stands whose images go to Azure; the registry answers on this machine."""
    made = AcrRegistry(uri=f"https://lk.azurecr.io/{word}/job", host=azure_registry.host)
    async with (
        environments(authority=entra_id.url) as azure,
        site_at(tmp_path / "builds", environment=azure) as site,
        started(made, site) as registry,
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
    docker_engine: Engine, azure_registry: FakeAcr, site: Site, request_: BuildRequest, word: str
) -> None:
    out = RecordingOutput()
    async with started(DockerBuilder(buildkit=False), site) as builder:
        image = await builder.build(request_, out)
        assert image.ref == f"{azure_registry.host}/{word}/job@{image.digest}"
        assert await builder.build(request_, out) == image
    assert "is there already: nothing to build" in out.text
    assert site.registry is not None
    login = await site.registry.credentials()
    assert login is not None
    assert str.__str__(login.password) not in out.text
    for name in docker_engine.images(f"{azure_registry.host}/{word}/"):
        docker_engine.remove(name)
