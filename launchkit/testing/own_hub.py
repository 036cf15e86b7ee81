"""A queue service of a test's own: a client to launch with, and agents that work for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import anyio
import yaml
from anyio.to_thread import run_sync

from launchkit.errors import ConfigError
from launchkit.plugins import Plugins
from launchkit.testing.fake_backend import FakeBackend
from launchkit.testing.makers import site_at, started

if TYPE_CHECKING:
    from launchkit.agent import Agent
    from launchkit.client import Client
    from launchkit.settings import AgentSettings

ENTITY = "test"


@dataclass(frozen=True, kw_only=True)
class OwnHub:
    """Queues in a file, which only this test knows."""

    client: "Client"
    """Makes queues and jobs, and launches."""
    backend: FakeBackend
    """The agent's side, started: what `Site.backend` is to a component. Agents have their own."""
    url: str
    """Where other programs find the queues."""
    folder: Path
    """With the file, the settings of the last agent, and what agents keep."""
    plugins: Plugins

    async def settings(self, **settings: object) -> "AgentSettings":
        """The settings of an agent for all queues that there are; *settings* are those of
        launch-config.yaml. It builds nothing if they name no builder.

        :raises ConfigError: naming all that is wrong, each with its place in the file.
        """
        from launchkit.settings import load_settings

        path = self.folder / "launch-config.yaml"
        given = {
            "backend": self.url,
            "entity": ENTITY,
            "queues": [view.queue.spec.name for view in await self.client.queues()],
            "builder": {"type": "noop"},
            "state_dir": str(self.folder / "state"),
            "cache_dir": str(self.folder / "cache"),
            **settings,
        }
        await run_sync(path.write_text, yaml.safe_dump(given, sort_keys=False))
        loaded = load_settings(path, environ={}, plugins=self.plugins)
        if loaded.runner_problems:
            raise ConfigError("\n".join(loaded.runner_problems.values()))
        return loaded.settings

    @asynccontextmanager
    async def agent(self, **settings: object) -> "AsyncIterator[Agent]":
        """An agent that works for the time of the context, and is drained at its end."""
        from launchkit.agent import Agent

        async with Agent(await self.settings(**settings), plugins=self.plugins) as agent:
            yield agent

    async def run_agent(self, **settings: object) -> None:
        """Let an agent do all that waits, until nothing is left to do."""
        from launchkit.agent import Agent

        loaded = await self.settings(**settings)
        await Agent(loaded, plugins=self.plugins, exit_when_idle=True).run()


@asynccontextmanager
async def hub(*plugins: ModuleType, folder: Path | None = None) -> AsyncIterator[OwnHub]:
    """A queue service in a file in *folder*, or in a directory that goes with the context.

    With *plugins*, modules with hooks, there are these and the built-in ones; without, all that
    are installed.
    """
    if folder is None:
        async with (
            anyio.TemporaryDirectory(prefix="launchkit-") as made,
            hub(*plugins, folder=Path(made)) as own,
        ):
            yield own
        return
    from launchkit.client import connect

    config = folder / "launch-config.yaml"
    await run_sync(config.write_text, "{}\n")
    url = f"sqlite:///{folder}/launchkit.db"
    found = Plugins(*plugins, entry_points=not plugins)
    async with (
        connect(url, entity=ENTITY, actor="test", config=config, plugins=found) as client,
        site_at(folder) as site,
        started(FakeBackend(url=url, entity=ENTITY), site) as backend,
    ):
        yield OwnHub(client=client, backend=backend, url=url, folder=folder, plugins=found)
