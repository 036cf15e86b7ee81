"""Builds whose agents are killed at each request to the API server."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from launchkit_kubernetes.builder import KanikoBuilder
from sampling import EACH_NTH
from waiting import until

from launchkit.abc import Site
from launchkit.testing import BuilderCrashContract, Server, started

from ..cluster.access import Access
from .conftest import Left
from .registries import NearRegistry, near_registry
from .test_builder_contract import Pushed


class TestKanikoCrash(BuilderCrashContract):
    each_nth = EACH_NTH
    patience = 150.0  # pods start slowly where much else goes on

    @pytest.fixture
    def open_registry(self, cluster: Access, tmp_path: Path) -> Iterator[NearRegistry]:
        """One without a login: the processes that are killed know of none."""
        with near_registry(cluster, tmp_path / "registry") as registry:
            yield registry

    @pytest.fixture
    async def builder(
        self, settings: dict[str, Any], site: Site, left: Left
    ) -> AsyncIterator[KanikoBuilder]:
        async with started(KanikoBuilder(**settings), site) as builder:
            yield builder
        await until(lambda: not left())

    @pytest.fixture
    def workshop(self, open_registry: NearRegistry, word: str) -> Pushed:
        return Pushed(open_registry, word)

    @pytest.fixture
    def counterpart(self, cluster: Access, tmp_path: Path) -> Server:
        path = f"{tmp_path}/kubeconfig-{{port}}"
        return Server(
            cluster.server.removeprefix("https://"),
            settings={"config_file": path},
            tls=cluster.tls(),
            files={path: cluster.kubeconfig(server="http://{host}")},
        )
