"""The way to a queue service."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio

from launchkit.abc import Site
from launchkit.client.actor import current_user
from launchkit.client.client import Client
from launchkit.client.own_task import in_own_task
from launchkit.errors import unwrapped
from launchkit.observe import opened_tracer
from launchkit.plugins import Plugins
from launchkit.settings import AgentSettings, hub_of, load_settings


@in_own_task
@asynccontextmanager
async def connect(
    url: str | None = None,
    *,
    entity: str | None = None,
    actor: str | None = None,
    config: Path | str | None = None,
    plugins: Plugins | None = None,
) -> AsyncIterator[Client]:
    """Open a queue service for the time of the context, which any task may leave.

    *url* and *entity* default to what *config* (by default launch-config.yaml) and the environment
    say; *actor*, whose name stands in the record, to the login name.

    :raises ConfigError: if the URL or launch-config.yaml is wrong.
    :raises PluginError: if no plugin serves the URL's scheme.
    :raises Unreachable: if the service cannot be reached.
    """
    plugins = plugins or Plugins()
    settings = load_settings(
        config,
        flags={name: value for name, value in (("backend", url), ("entity", entity)) if value},
        plugins=plugins,
        for_agent=False,
    ).settings
    async with opened(settings, plugins, actor) as client:
        yield client


@asynccontextmanager
async def opened(
    settings: AgentSettings, plugins: Plugins, actor: str | None = None
) -> AsyncIterator[Client]:
    """The same, of settings that were read."""
    hub = hub_of(settings, plugins)
    with unwrapped():
        async with anyio.create_task_group() as tasks, AsyncExitStack() as stack:
            stack.callback(tasks.cancel_scope.cancel)
            tracer = await stack.enter_async_context(opened_tracer(settings, "launchkit"))
            site = Site(
                agent="",
                name="",
                state_dir=Path(os.devnull),
                cache_dir=Path(os.devnull),
                tasks=tasks,
            )
            await hub.start(stack, site)
            client = Client(hub, actor or current_user(), settings.entity, plugins, tracer)
            try:
                yield client
            finally:
                from launchkit.client.closed import ClosedHub

                client.hub = ClosedHub()
