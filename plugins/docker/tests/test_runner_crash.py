"""Containers whose agents are killed at each request to the Engine."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from docker_engine import SOCKET, Engine
from launchkit_docker.runner import ContainerRunner
from sampling import EACH_NTH

from launchkit.abc import Site
from launchkit.testing import RunnerCrashContract, Server, started

from .test_runner_contract import Containers

pytestmark = pytest.mark.long


class TestContainerCrash(RunnerCrashContract):
    each_nth = EACH_NTH

    @pytest.fixture
    async def runner(self, site: Site) -> AsyncIterator[ContainerRunner]:
        async with started(ContainerRunner(), site) as runner:
            yield runner

    @pytest.fixture
    def workload(self, busybox: str, docker_engine: Engine, tmp_path: Path) -> Iterator[Containers]:
        label = uuid4().hex
        yield Containers(busybox, docker_engine, tmp_path, label)
        docker_engine.remove_containers(**{"launchkit-test": label})

    @pytest.fixture
    def counterpart(self) -> Server:
        return Server(Path(SOCKET), env={"DOCKER_HOST": "tcp://{host}"})
