"""The builder `docker`: images from code, made by the Engine of this machine."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

import anyio
from anyio.to_thread import run_sync

from launchkit.abc import Builder, Finding, Output, Site
from launchkit.model import BuildRequest, Image
from launchkit_docker.ping import answers

if TYPE_CHECKING:
    from launchkit_docker.yard import Yard


@dataclass(kw_only=True)
class DockerBuilder(Builder):
    """Builds with the Engine, unless the image is there already, and pushes to the registry.

    What talks to the Engine is imported and opened with the first build.
    """

    kind: ClassVar[str] = "docker"

    build_args: dict[str, str] = field(default_factory=dict)
    """Values of the Dockerfile's `ARG`s; they end up in the image's history."""

    _stack: AsyncExitStack = field(init=False, repr=False)
    _site: Site = field(init=False, repr=False)
    _yard: Any = field(init=False, repr=False, default=None)
    _opening: anyio.Lock = field(init=False, repr=False, default_factory=anyio.Lock)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Remember where it stands; the Engine need not answer yet."""
        self._stack, self._site = stack, site

    async def build(self, request: BuildRequest, out: Output) -> Image:
        """The image of the code, from where it is already or newly built.

        :raises BuildError: if it cannot be built or pushed.
        """
        return await (await self._opened()).build(request, out)

    async def works_here(self) -> bool:
        """Whether an Engine answers."""
        return await answers()

    async def check(self) -> Sequence[Finding]:
        """Whether the Engine answers."""
        return await (await self._opened()).findings()

    async def _opened(self) -> "Yard":
        await run_sync(import_module, "launchkit_docker.yard")
        from launchkit_docker.access import open_engine
        from launchkit_docker.yard import Yard

        async with self._opening:
            if self._yard is None:
                engine = await self._stack.enter_async_context(open_engine())
                self._yard = Yard(engine, self._site, self.build_args)
        yard: Yard = self._yard
        return yard
