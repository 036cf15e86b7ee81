"""The fetchers of one agent: one that cannot be started keeps nothing but its own launches."""

import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from launchkit.abc import Fetcher, Site
from launchkit.errors import FetchError, contained, told
from launchkit.model import Source
from launchkit.plugins import Plugins

logger = logging.getLogger("launchkit.agent")


async def start_fetchers(
    plugins: Plugins, stack: AsyncExitStack, site: Site
) -> Mapping[str, Fetcher]:
    """All that are installed, by kind; *stack* releases them."""
    unable = {n: UnableFetcher(problem=why) for n, why in plugins.unusable(Fetcher).items()}
    made = {name: await _fetcher(name, plugins, stack, site) for name in plugins.classes(Fetcher)}
    return {**unable, **made}


@dataclass(kw_only=True)
class UnableFetcher(Fetcher):
    """Stands for one that cannot be made or started: only launches that need it fail."""

    kind = "unable"
    problem: str

    async def fetch(self, source: Source, into: Path) -> None:
        """Say why it cannot."""
        raise FetchError(self.problem)


async def _fetcher(name: str, plugins: Plugins, stack: AsyncExitStack, site: Site) -> Fetcher:
    try:
        with contained():
            return await _started(name, plugins, stack, site)
    except Exception as exc:  # noqa: BLE001 - a foreign class may raise anything
        problem = f"the fetcher {name} cannot be started: {told(exc)}"
        logger.warning("%s", problem, extra={"action": "fetcher"})
        return UnableFetcher(problem=problem)


async def _started(name: str, plugins: Plugins, stack: AsyncExitStack, site: Site) -> Fetcher:
    async with AsyncExitStack() as own:
        made = plugins.create(Fetcher, name, {})
        await made.start(own, site)
        stack.push_async_callback(_release, name, own.pop_all())
        return made


async def _release(name: str, own: AsyncExitStack) -> None:
    try:
        with contained():
            await own.aclose()
    except Exception as exc:  # noqa: BLE001 - a foreign class may raise anything
        logger.warning(
            "fetcher %s did not end well: %s", name, told(exc), extra={"action": "fetcher"}
        )
