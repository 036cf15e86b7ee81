"""Builds whose agents are killed at each request to the Engine."""

from pathlib import Path

import pytest
from docker_engine import SOCKET
from launchkit_docker.builder import DockerBuilder
from sampling import EACH_NTH

from launchkit.testing import BuilderCrashContract, Server

from .test_builder_contract import Pushed

pytestmark = pytest.mark.long


class TestDockerBuilderCrash(BuilderCrashContract):
    each_nth = EACH_NTH

    @pytest.fixture
    def builder(self, builder: DockerBuilder) -> DockerBuilder:
        return builder

    @pytest.fixture
    def workshop(self, host: str, word: str) -> Pushed:
        return Pushed(host, word)

    @pytest.fixture
    def counterpart(self) -> Server:
        return Server(Path(SOCKET), env={"DOCKER_HOST": "tcp://{host}"})
