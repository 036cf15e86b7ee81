"""The registry `gcr` keeps what the seam promises, also when Google answers as it should not."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from launchkit_gcp.gar_names import GarImage
from launchkit_gcp.gcr import GcrRegistry
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

from .conftest import Environments
from .fake_artifact_registry import FakeArtifactRegistry, GarDepot
from .fake_google import PROJECT, REGION, FakeGoogle

SHORT_SECONDS = 2.0


@pytest.fixture
async def gar_depot(
    served_images: FakeArtifactRegistry, google: FakeGoogle
) -> AsyncIterator[GarDepot]:
    place = GarImage.of_parts(REGION, PROJECT, "launch", f"lk/{uuid4().hex[:12]}")
    served_images.repositories[place.resource] = {}
    google.seconds = SHORT_SECONDS
    way = Broken(google.url.removeprefix("http://"))
    async with relay(way):
        yield GarDepot(way, served_images, place)


class TestGcr(RegistryContract):
    @pytest.fixture
    def depot(self, gar_depot: GarDepot) -> GarDepot:
        return gar_depot

    @pytest.fixture
    async def registry(
        self, depot: GarDepot, environments: Environments, site: Site
    ) -> AsyncIterator[GcrRegistry]:
        url = f"http://{depot.way.host}"
        async with environments({"docker": url, "artifactregistry": url}) as environment:
            at = replace(site, environment=environment)
            async with started(GcrRegistry(uri=depot.place.uri), at) as registry:
                yield registry


class TestGcrFault(RegistryFaultContract):
    @pytest.fixture
    def depot(self, gar_depot: GarDepot) -> GarDepot:
        return gar_depot

    @pytest.fixture
    async def gateway(self, google: FakeGoogle) -> AsyncIterator[Gateway]:
        async with gateway(google.url.removeprefix("http://")) as way:
            yield way

    @pytest.fixture
    async def site(
        self, gateway: Gateway, environments: Environments, tmp_path: Path
    ) -> AsyncIterator[Site]:
        url = f"http://{gateway.host}"
        urls = {"docker": url, "artifactregistry": url}
        async with environments(urls) as environment, site_at(tmp_path / "at") as site:
            yield replace(site, environment=environment)

    @pytest.fixture
    async def registry(self, depot: GarDepot, site: Site) -> AsyncIterator[GcrRegistry]:
        async with started(GcrRegistry(uri=depot.place.uri), site) as registry:
            yield registry
