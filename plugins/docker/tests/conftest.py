"""What all tests of the plugin share with those of launchkit, and an image with a shell alone."""

import tarfile
from collections.abc import Iterator
from uuid import uuid4

import pytest
from docker_engine import Engine
from surroundings import _own_home, anyio_backend, docker_engine, python_image

__all__ = ["_own_home", "anyio_backend", "docker_engine", "python_image"]
APPLETS = ("sh", "sleep", "cat", "env", "true", "echo", "printf")


@pytest.fixture(scope="session")
def busybox(docker_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of an image with a shell; removed at the end."""
    name = f"launchkit-test-{uuid4().hex[:8]}:1"
    path = tmp_path_factory.mktemp("image") / "busybox.tar"
    with tarfile.open(path, "w") as tar:
        tar.add("/bin/busybox", "bin/busybox")
        for applet in APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    docker_engine.load(path, name)
    yield name
    docker_engine.remove(name)
