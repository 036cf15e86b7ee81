"""What stands around the builders of launchkit when they are tested."""

import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from launchkit.abc import Builder
from launchkit.errors import BuildError
from launchkit.model import BuildRequest, Image
from launchkit.testing import FakeBuilder, FakeImages, Throttle, Workshop, make_launch
from launchkit.testing.trees import Tree

AWAY = BuildError("the registry of the images cannot be reached")


@dataclass
class FakeWorkshop(Workshop):
    """The images of a fake builder; one without a destination keeps them itself."""

    passwords = ("fake-password",)
    platforms = ("linux/amd64", "linux/arm64")

    images: FakeImages = field(default_factory=FakeImages)
    made: type[FakeBuilder] = FakeBuilder
    destination: str | None = "r.io/lk/job"

    def request(self, code: Path) -> BuildRequest:
        return BuildRequest(launch=make_launch(), code=code, destination=self.destination)

    def spoil(self, code: Path) -> str:
        shutil.rmtree(code)
        code.mkdir()
        return "nothing to build"

    async def has(self, image: Image) -> bool:
        return image.digest is not None and self.images.digests.get(image.ref) == image.digest

    async def code(self, image: Image) -> Tree:
        return self.images.contents[image.ref]

    def another(self) -> AbstractAsyncContextManager[Builder]:
        return self._another()

    @asynccontextmanager
    async def _another(self) -> AsyncIterator[Builder]:
        yield self.made(images=self.images)

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        self.images.faults.add(Throttle("build", times=9, error=AWAY))
        yield
        self.images.faults.clear()
