"""The builder `docker` pushes through the registry `acr`, to a real registry behind its tokens."""

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
from pushed_image import pushed, request_of

from launchkit.abc import Site
from launchkit.model import BuildRequest
from launchkit.testing import site_at, started

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
    return request_of(word, tmp_path)


async def test_an_image_is_built_pushed_and_found_again(
    docker_engine: Engine, azure_registry: FakeAcr, site: Site, request_: BuildRequest, word: str
) -> None:
    async with started(DockerBuilder(buildkit=False), site) as builder:
        image, said = await pushed(builder, request_, docker_engine)
    assert image.ref == f"{azure_registry.host}/{word}/job@{image.digest}"
    assert site.registry is not None
    login = await site.registry.credentials()
    assert login is not None
    assert str.__str__(login.password) not in said
