"""The registry `local`, when the Engine does not answer as it should, now and then."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from docker_engine import SOCKET, Engine
from launchkit_docker.images.registry import LocalRegistry

from launchkit.abc import Site
from launchkit.testing import Gateway, RegistryFaultContract, gateway, started

from .test_builder_contract import EngineDepot


class TestLocalRegistryFault(RegistryFaultContract):
    @pytest.fixture
    async def gateway(self, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gateway]:
        async with gateway(Path(SOCKET)) as way:
            monkeypatch.setenv("DOCKER_HOST", f"tcp://{way.host}")
            yield way

    @pytest.fixture
    async def registry(
        self, site: Site, word: str, gateway: Gateway
    ) -> AsyncIterator[LocalRegistry]:
        async with started(LocalRegistry(uri=word), site) as registry:
            yield registry

    @pytest.fixture
    def depot(self, docker_engine: Engine, word: str, tmp_path: Path) -> EngineDepot:
        return EngineDepot(docker_engine, f"launchkit.invalid/{word}", tmp_path)
