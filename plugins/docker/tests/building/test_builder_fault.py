"""Builds by an Engine that does not answer as it should, now and then."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from docker_engine import SOCKET
from launchkit_docker.builder import DockerBuilder
from sampling import EACH_NTH

from launchkit.abc import Site
from launchkit.testing import BuilderFaultContract, Gateway, gateway, started

from .test_builder_contract import Pushed


class TestDockerBuilderFault(BuilderFaultContract):
    each_nth = EACH_NTH

    @pytest.fixture
    async def gateway(self, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gateway]:
        async with gateway(Path(SOCKET)) as way:
            monkeypatch.setenv("DOCKER_HOST", f"tcp://{way.host}")
            yield way

    @pytest.fixture
    async def builder(
        self, build_cache: None, site: Site, gateway: Gateway
    ) -> AsyncIterator[DockerBuilder]:
        async with started(DockerBuilder(), site) as builder:
            yield builder

    @pytest.fixture
    def workshop(self, host: str, word: str) -> Pushed:
        return Pushed(host, word)
