"""The builder `docker` pushes through the registry `ecr`, to a real registry behind its login."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from docker_engine import Engine
from launchkit_aws.ecr import EcrRegistry
from launchkit_docker.builder import DockerBuilder
from pushed_image import pushed, request_of

from launchkit.abc import Site
from launchkit.model import BuildRequest
from launchkit.testing import site_at, started

from .conftest import REGION, Environments
from .ecr_server import ACCOUNT, EcrApi
from .fake_aws import FakeAws

pytestmark = pytest.mark.usefixtures("docker_engine")


@pytest.fixture
def word() -> str:
    return f"lk-{uuid4().hex[:12]}"


@pytest.fixture
async def site(
    ecr_api: EcrApi, environments: Environments, tmp_path: Path, word: str
) -> AsyncIterator[Site]:
    """Where an agent stands whose images go to ECR; the registry answers on this machine."""
    parts = {"account_id": ACCOUNT, "region": REGION, "repo_name": f"{word}/job"}
    async with (
        FakeAws("ecr", ecr_api).serving() as url,
        environments({"ecr": url}) as aws,
        site_at(tmp_path / "builds", environment=aws) as site,
        started(EcrRegistry(host=ecr_api.served.host, **parts), site) as registry,  # type: ignore[arg-type] # texts
    ):
        yield replace(site, registry=registry)


@pytest.fixture
def request_(tmp_path: Path, word: str) -> BuildRequest:
    return request_of(word, tmp_path)


async def test_an_image_is_built_pushed_to_a_new_repository_and_found_again(
    docker_engine: Engine, ecr_api: EcrApi, site: Site, request_: BuildRequest, word: str
) -> None:
    async with started(DockerBuilder(buildkit=False), site) as builder:
        image, said = await pushed(builder, request_, docker_engine)
    assert ecr_api.repositories == {f"{word}/job"}
    assert image.ref == f"{ecr_api.served.host}/{word}/job@{image.digest}"
    server = replace(ecr_api.served, login=("AWS", ecr_api.password))
    assert server.digest(image.ref) == image.digest
    assert ecr_api.password not in said
