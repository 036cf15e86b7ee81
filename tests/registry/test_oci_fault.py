"""The registry `oci`, when the registry that runs does not answer as it should, now and then."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from depots import ServedDepot
from registry.conftest import Served

from launchkit.abc import Site
from launchkit.builtin.oci.registry import OciRegistry
from launchkit.testing import Gateway, RegistryFaultContract, gateway, started


class TestOciFault(RegistryFaultContract):
    @pytest.fixture
    async def depot(self, open_registry: Served, tmp_path: Path) -> AsyncIterator[ServedDepot]:
        async with ServedDepot.of(open_registry, tmp_path / "password") as depot:
            yield depot

    @pytest.fixture
    async def gateway(self, open_registry: Served) -> AsyncIterator[Gateway]:
        async with gateway(open_registry.host) as way:
            yield way

    @pytest.fixture
    async def registry(
        self, depot: ServedDepot, gateway: Gateway, site: Site
    ) -> AsyncIterator[OciRegistry]:
        settings = {**depot.settings, "uri": f"{gateway.host}/{depot.served.path}"}
        async with started(OciRegistry(**settings), site) as registry:
            yield registry
