"""The registry `local`: the Engine's own store, for images that are run where they are built."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any, ClassVar

from anyio.to_thread import run_sync

from launchkit.abc import Registry, Site
from launchkit.images.target import kept_name


@dataclass(kw_only=True)
class LocalRegistry(Registry):
    """Has what the Engine of this machine has; nothing is pushed."""

    kind: ClassVar[str] = "local"
    unnamed: ClassVar[bool] = True
    pushes: ClassVar[bool] = False

    uri: str = "images"
    """The name of the images, below a host that is no registry unless it names one."""
    _engine: Any = field(init=False, repr=False)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Open the Engine, whose client is imported only now."""
        await run_sync(import_module, "launchkit_docker.engine.client")
        from launchkit_docker.engine.client import open_client

        self._engine = await stack.enter_async_context(open_client())

    def image_ref(self, tag: str) -> str:
        """The name with the tag."""
        return kept_name(f"{self.uri}:{tag}")

    async def exists(self, ref: str) -> bool:
        """Whether the Engine has it; one that is away is waited for."""
        from launchkit_docker.images.store import find

        return await self._engine.answered(partial(find, self._engine, ref)) is not None
