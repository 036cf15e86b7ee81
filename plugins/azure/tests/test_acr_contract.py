"""The registry `acr` keeps what the seam promises, also when it does not answer as it should."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from fake_acr import FakeAcr
from fake_entra import FakeEntra
from launchkit_azure.acr import AcrRegistry
from registry_depot import Broken

from launchkit.abc import Registry, Site
from launchkit.testing import (
    Gateway,
    RegistryContract,
    RegistryFaultContract,
    gateway,
    relay,
    site_at,
    started,
)

from .acr_depot import AcrDepot
from .conftest import Environments

SHORT_SECONDS = 10


@pytest.fixture
async def acr_depot(azure_registry: FakeAcr) -> AsyncIterator[AcrDepot]:
    way = Broken(azure_registry.host)
    async with relay(way):
        azure_registry.names.add(way.host)
        yield AcrDepot(way, azure_registry, f"lk/{uuid4().hex[:12]}")


class _InAzure:
    @pytest.fixture
    async def site(
        self, environments: Environments, entra_id: FakeEntra, tmp_path: Path
    ) -> AsyncIterator[Site]:
        async with (
            environments(authority=entra_id.url) as azure,
            site_at(tmp_path / "agent") as site,
        ):
            yield replace(site, environment=azure)


class TestAcr(_InAzure, RegistryContract):
    @pytest.fixture
    def depot(self, acr_depot: AcrDepot) -> AcrDepot:
        acr_depot.acr.seconds = SHORT_SECONDS
        return acr_depot

    @pytest.fixture
    async def registry(self, depot: AcrDepot, site: Site) -> AsyncIterator[AcrRegistry]:
        made = AcrRegistry(uri=f"lk.azurecr.io/{depot.name}", host=depot.way.host)
        async with started(made, site) as registry:
            yield registry

    async def test_its_hosts_are_where_its_references_are(self, registry: Registry) -> None:
        """Those in Azure itself: the stand-in has a host of its own."""
        azures = AcrRegistry(uri="lk.azurecr.io/launch")
        await super().test_its_hosts_are_where_its_references_are(azures)


class TestAcrFault(_InAzure, RegistryFaultContract):
    @pytest.fixture
    def depot(self, acr_depot: AcrDepot) -> AcrDepot:
        return acr_depot

    @pytest.fixture
    async def gateway(self, azure_registry: FakeAcr) -> AsyncIterator[Gateway]:
        async with gateway(azure_registry.host) as way:
            azure_registry.names.add(way.host)
            yield way

    @pytest.fixture
    async def registry(
        self, depot: AcrDepot, gateway: Gateway, site: Site
    ) -> AsyncIterator[AcrRegistry]:
        made = AcrRegistry(uri=f"lk.azurecr.io/{depot.name}", host=gateway.host)
        async with started(made, site) as registry:
            yield registry
