"""What all tests of the plugin share with those of launchkit, and an image with a shell alone."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from docker_engine import Engine
from launchkit_docker.runner import ContainerRunner
from registry.conftest import password_registry, place
from surroundings import _own_home, anyio_backend, docker_engine, python_image

from launchkit.testing import site_at, started

from .workshop import Scripts

__all__ = [
    "_own_home",
    "anyio_backend",
    "docker_engine",
    "password_registry",
    "place",
    "python_image",
]


@pytest.fixture(scope="session")
def busybox(docker_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of an image with a shell; removed at the end."""
    with docker_engine.busybox(tmp_path_factory.mktemp("image")) as name:
        yield name


@pytest.fixture
def scripts(docker_engine: Engine, busybox: str) -> Iterator[Scripts]:
    """Makes submissions of shell scripts, whose containers are removed."""
    scripts = Scripts(docker_engine, busybox)
    yield scripts
    scripts.remove()


@pytest.fixture
async def runner(tmp_path: Path) -> AsyncIterator[ContainerRunner]:
    """A started runner."""
    async with site_at(tmp_path) as site, started(ContainerRunner(), site) as runner:
        yield runner
