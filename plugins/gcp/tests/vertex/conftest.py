"""A project whose Vertex AI answers as the real one does."""

import inspect
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from launchkit_gcp.errors import soon
from launchkit_gcp.vertex.runner import VertexRunner
from waiting import PATIENCE

from launchkit.testing import site_at, started

from .fake import FakeVertex, fake_vertex
from .loops import DeafLoop
from .making import Runners, runner, write_key


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Loops that may be closed while grpc still knows of calls."""
    return "asyncio", {"loop_factory": DeafLoop}


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, private_key: str) -> Iterator[FakeVertex]:
    """The project; there are credentials that it takes."""
    with fake_vertex() as project:
        key = tmp_path / "key.json"
        write_key(key, project, private_key)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
        yield project


@pytest.fixture(autouse=True)
def _patient_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a check waits for begins with loading a large library, however slow the machine is."""
    monkeypatch.setattr(inspect.unwrap(soon), "__defaults__", (PATIENCE,))


@pytest.fixture
def runners(tmp_path: Path, fake: FakeVertex) -> Runners:
    """Starts runners, each with a site of its own."""

    @asynccontextmanager
    async def runners(**settings: Any) -> AsyncIterator[VertexRunner]:
        async with AsyncExitStack() as stack:
            site = await stack.enter_async_context(site_at(tmp_path / "site"))
            yield await stack.enter_async_context(started(runner(fake, **settings), site))

    return runners


@pytest.fixture
async def made(runners: Runners) -> AsyncIterator[VertexRunner]:
    """A started runner."""
    async with runners() as one:
        yield one
