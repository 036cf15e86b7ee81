"""A real queue, with an agent that serves it."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from launchkit import Agent, AgentSettings, connect


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path}/queue.db"
    monkeypatch.setenv("LAUNCHKIT_BACKEND", url)
    return url


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A directory with a script that prints two lines."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "run.py").write_text("print('one')\nprint('two')")
    return tmp_path / "code"


@pytest.fixture
def entry_point() -> list[str]:
    return [sys.executable, "run.py"]


@pytest.fixture
async def agent(url: str, tmp_path: Path) -> AsyncIterator[Agent]:
    """An agent for the queue `examples`, which has prioritization."""
    async with connect(url) as client:
        await client.create_queue("examples", "local-process", prioritization=True)
    settings = AgentSettings(
        backend=url,
        queues=("examples",),
        state_dir=tmp_path / "state",
        cache_dir=tmp_path / "cache",
    )
    async with Agent(settings) as worker:
        yield worker
