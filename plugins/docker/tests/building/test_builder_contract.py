"""The suites of builders and registries."""

from collections.abc import AsyncIterator

import pytest
from launchkit_docker.builder import DockerBuilder
from launchkit_docker.images.registry import LocalRegistry

from launchkit.abc import Site
from launchkit.model import BuildRequest
from launchkit.testing import BuilderContract, RecordingOutput, RegistryContract
from launchkit.testing.makers import started

from ..workshop import Make


@pytest.fixture(params=[False, True], ids=["classic", "buildkit"])
def buildkit(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


class TestDockerBuilder(BuilderContract):
    @pytest.fixture
    def builder(self, builder: DockerBuilder) -> DockerBuilder:
        return builder

    @pytest.fixture
    def buildable(self, make: Make, host: str, word: str) -> BuildRequest:
        return make(destination=f"{host}/{word}/job")

    @pytest.fixture
    def unbuildable(self, make: Make) -> BuildRequest:
        return make('RUN ["/bin/busybox", "false"]\n')


class TestLocalRegistry(RegistryContract):
    @pytest.fixture
    async def registry(self, site: Site, word: str) -> AsyncIterator[LocalRegistry]:
        async with started(LocalRegistry(uri=f"launchkit/{word}"), site) as registry:
            yield registry

    @pytest.fixture
    async def present(self, builder: DockerBuilder, make: Make) -> str:
        return (await builder.build(make(), RecordingOutput())).ref.rpartition(":")[2]
