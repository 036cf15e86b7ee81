"""The registry `ecr` keeps what the seam promises, also when ECR does not answer as it should."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from launchkit_aws.ecr import EcrRegistry
from launchkit_aws.ecr_names import EcrRepository
from launchkit_aws.environment import AwsEnvironment
from registry_depot import Broken

from launchkit.abc import Site
from launchkit.testing import (
    Gateway,
    RegistryContract,
    RegistryFaultContract,
    gateway,
    relay,
    site_at,
    started,
)

from .conftest import REGION, Environments
from .ecr_server import ACCOUNT, EcrApi, EcrDepot
from .fake_aws import FakeAws

SHORT_SECONDS = 2.0


@pytest.fixture
async def ecr_url(ecr_api: EcrApi) -> AsyncIterator[str]:
    async with FakeAws("ecr", ecr_api).serving() as url:
        yield url


@pytest.fixture
async def ecr_depot(ecr_api: EcrApi, ecr_url: str) -> AsyncIterator[EcrDepot]:
    place = EcrRepository.of_parts(ACCOUNT, REGION, f"lk/{uuid4().hex[:12]}")
    ecr_api.repositories.add(place.name)
    ecr_api.seconds = SHORT_SECONDS
    way = Broken(ecr_url.removeprefix("http://"))
    async with relay(way):
        yield EcrDepot(way, ecr_api, place)


@pytest.fixture
async def by_way(ecr_depot: EcrDepot, environments: Environments) -> AsyncIterator[AwsEnvironment]:
    async with environments({"ecr": f"http://{ecr_depot.way.host}"}) as environment:
        yield environment


class TestEcr(RegistryContract):
    @pytest.fixture
    def depot(self, ecr_depot: EcrDepot) -> EcrDepot:
        return ecr_depot

    @pytest.fixture
    async def registry(
        self, depot: EcrDepot, by_way: AwsEnvironment, site: Site
    ) -> AsyncIterator[EcrRegistry]:
        at = replace(site, environment=by_way)
        async with started(EcrRegistry(uri=depot.place.uri), at) as registry:
            yield registry


class TestEcrFault(RegistryFaultContract):
    @pytest.fixture
    def depot(self, ecr_depot: EcrDepot) -> EcrDepot:
        return ecr_depot

    @pytest.fixture
    async def gateway(self, ecr_url: str) -> AsyncIterator[Gateway]:
        async with gateway(ecr_url.removeprefix("http://")) as way:
            yield way

    @pytest.fixture
    async def site(
        self, gateway: Gateway, environments: Environments, tmp_path: Path
    ) -> AsyncIterator[Site]:
        urls = {"ecr": f"http://{gateway.host}"}
        async with environments(urls) as environment, site_at(tmp_path / "site") as site:
            yield replace(site, environment=environment)

    @pytest.fixture
    async def registry(self, depot: EcrDepot, site: Site) -> AsyncIterator[EcrRegistry]:
        async with started(EcrRegistry(uri=depot.place.uri), site) as registry:
            yield registry
