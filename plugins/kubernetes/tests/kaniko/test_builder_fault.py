"""Builds whose API server does not answer as it should, now and then."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from launchkit_kubernetes.builder import KanikoBuilder
from sampling import EACH_NTH

from launchkit.abc import Site
from launchkit.testing import BuilderFaultContract, Gateway, gateway, started

from ..cluster.access import Access
from .registries import NearRegistry
from .test_builder_contract import Pushed

pytestmark = pytest.mark.thorough


class TestKanikoFault(BuilderFaultContract):
    patience = 150.0  # pods start slowly where much else goes on
    each_nth = EACH_NTH

    polled = ("GET /",)  # watches, and who looks at one build

    @pytest.fixture
    def site(self, near_site: Site) -> Site:
        return near_site

    @pytest.fixture
    async def gateway(self, cluster: Access) -> AsyncIterator[Gateway]:
        address = cluster.server.removeprefix("https://")
        async with gateway(address, tls=cluster.tls()) as way:
            yield way

    @pytest.fixture
    async def builder(
        self,
        settings: dict[str, Any],
        site: Site,
        cluster: Access,
        gateway: Gateway,
        tmp_path: Path,
    ) -> AsyncIterator[KanikoBuilder]:
        path = tmp_path / "through-the-gateway"
        cluster.write_kubeconfig(path, server=f"http://{gateway.host}")
        made = KanikoBuilder(**settings | {"config_file": str(path)})
        async with started(made, site) as builder:
            yield builder

    @pytest.fixture
    def workshop(self, near: NearRegistry, word: str) -> Pushed:
        return Pushed(near, word)
