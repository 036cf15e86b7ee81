"""Containers whose Engine does not answer as it should, now and then."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from docker_engine import SOCKET, Engine
from launchkit_docker.runner import ContainerRunner
from sampling import EACH_NTH

from launchkit.abc import Site
from launchkit.testing import Gateway, RunnerFaultContract, gateway, started

from .test_runner_contract import Containers


class TestContainerFault(RunnerFaultContract):
    each_nth = EACH_NTH
    not_repeated = ("/start",)

    @pytest.fixture
    async def gateway(self, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gateway]:
        async with gateway(Path(SOCKET)) as way:
            monkeypatch.setenv("DOCKER_HOST", f"tcp://{way.host}")
            yield way

    @pytest.fixture
    async def runner(self, site: Site, gateway: Gateway) -> AsyncIterator[ContainerRunner]:
        async with started(ContainerRunner(), site) as runner:
            yield runner

    @pytest.fixture
    def workload(self, busybox: str, docker_engine: Engine, tmp_path: Path) -> Iterator[Containers]:
        label = uuid4().hex
        yield Containers(busybox, docker_engine, tmp_path, label)
        docker_engine.remove_containers(**{"launchkit-test": label})
