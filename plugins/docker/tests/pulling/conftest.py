"""A registry that is filled, and the way to it; all images of a test go with it."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from docker_engine import Engine
from launchkit_docker.engine.client import EngineClient, open_client

from launchkit.testing import Relay, registry_server, relay

from ..pulled import load, push

Stock = Callable[..., str]
"""Puts another image into a registry by a name and a tag; gives its id."""


@pytest.fixture
async def client(docker_engine: Engine) -> AsyncIterator[EngineClient]:
    async with open_client() as client:
        yield client


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    with registry_server(tmp_path / "registry") as server:
        yield server.host


@pytest.fixture
async def way(host: str) -> AsyncIterator[Relay]:
    """Between the Engine and the registry."""
    async with relay(host) as way:
        yield way


@pytest.fixture
def word(docker_engine: Engine) -> Iterator[str]:
    """A part of the first names of all images of a test; they are removed at its end."""
    word = uuid4().hex[:12]
    yield word
    for image in docker_engine.http.get("/images/json").json():
        if word in str(image):
            docker_engine.remove(image["Id"])


@pytest.fixture
def stock(docker_engine: Engine, word: str) -> Stock:
    def stock(ref: str, login: tuple[str, str] | None = None, architecture: str = "amd64") -> str:
        made = load(docker_engine, f"{word}:1", architecture)
        push(docker_engine, f"{word}:1", ref, login)
        for name in (ref, f"{word}:1"):
            docker_engine.remove(name)
        return made

    return stock
