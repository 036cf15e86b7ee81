"""An agent on a real store, running real processes."""

import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import anyio
import pytest
from waiting import PATIENCE, until

import launchkit
from launchkit import Agent, AgentSettings, Client, LaunchHandle
from launchkit.model import ItemState, Timeouts
from launchkit.plugins import Plugins
from launchkit.settings import load_settings


@dataclass
class Bench:
    """A client, a directory for code, and settings for agents that serve it."""

    client: Client
    url: str
    folder: Path

    def settings(self, **more: object) -> AgentSettings:
        flags = {
            "backend": self.url,
            "queues": ["q"],
            "stopped_run_timeout": int(PATIENCE),
            "state_dir": str(self.folder / "state"),
            "cache_dir": str(self.folder / "cache"),
            **more,
        }
        return load_settings(flags=flags).settings

    def agent(self, *plugins: ModuleType, **more: object) -> Agent:
        return Agent(self.settings(**more), plugins=Plugins(*plugins, entry_points=False))

    async def launch(
        self, script: str, *args: str, queue: str = "q", **more: object
    ) -> LaunchHandle:
        code = self.folder / f"code-{abs(hash(script))}"
        code.mkdir(exist_ok=True)
        (code / "train.py").write_text(script)
        entry = [sys.executable, "-u", "train.py"]
        return await self.client.launch(queue, uri=str(code), entry_point=entry, args=args, **more)  # type: ignore[arg-type]

    async def ended(self, *runs: LaunchHandle) -> Sequence[ItemState]:
        with anyio.move_on_after(PATIENCE):
            return [(await run.wait()).state for run in runs]
        views = [await run.view() for run in runs]
        told = "; ".join(f"{view.item.state}: {view.reason}" for view in views)
        pytest.fail(f"what should have ended has not: {told}")


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A queue in a file; some test modules run on PostgreSQL as well."""
    return f"sqlite:///{tmp_path}/launchkit.db"


@pytest.fixture
async def bench(tmp_path: Path, url: str) -> AsyncIterator[Bench]:
    async with launchkit.connect(url) as client:
        await client.create_queue("q", "local-process")
        yield Bench(client, url, tmp_path)


async def text(run: LaunchHandle) -> str:
    return "\n".join([line async for line in run.logs(follow=True)])


async def running(run: LaunchHandle) -> None:
    await run.wait_until(ItemState.RUNNING, timeout=PATIENCE)
    assert run.item.state is ItemState.RUNNING, run.item


__all__ = ["Bench", "Timeouts", "running", "text", "until"]
