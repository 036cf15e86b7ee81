"""What all tests of the plugin share with those of launchkit, and an image with a shell alone."""

from collections.abc import Iterator

import pytest
from docker_engine import Engine
from registry.conftest import password_registry, place
from surroundings import _own_home, anyio_backend, docker_engine, python_image

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
