"""The registry `local`: the Engine's own store, for images that are run where they are built."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import ClassVar

from aiodocker import Docker

from launchkit.abc import Registry, Site
from launchkit_docker.access import open_engine
from launchkit_docker.images import find


@dataclass(kw_only=True)
class LocalRegistry(Registry):
    """Has what the Engine of this machine has; nothing is pushed."""

    kind: ClassVar[str] = "local"

    uri: str = "launchkit/images"
    """The name of the images."""
    _engine: Docker = field(init=False, repr=False)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Open the Engine."""
        self._engine = await stack.enter_async_context(open_engine())

    def image_ref(self, tag: str) -> str:
        """The name with the tag."""
        return f"{self.uri}:{tag}"

    async def exists(self, ref: str) -> bool:
        """Whether the Engine has it."""
        return await find(self._engine, ref) is not None
