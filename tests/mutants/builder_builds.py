"""Builds that go wrong, and what they leave."""

import socket
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import anyio
import anyio.lowlevel
import pytest
from anyio.to_thread import run_sync
from workshops import FakeWorkshop

from launchkit.abc import Output
from launchkit.builtin.noop import NoopBuilder
from launchkit.errors import BuildError
from launchkit.model import BuildRequest, Image
from launchkit.testing import FakeBuilder
from launchkit.testing.trees import File, read_tree
from mutants.builder_steps import Steps, Suite


class OneName(Steps):
    """All images have the same tag."""

    async def build(self, request: BuildRequest, out: Output) -> Image:
        image = await super().build(request, out)
        ref = f"{request.destination}:latest"
        for kept in (self.images.digests, self.images.contents):
            kept[ref] = kept[image.ref]  # type: ignore[index]
        return replace(image, ref=ref)


class SaltOfItsOwn(Steps):
    def __post_init__(self) -> None:
        self.salt = uuid4().hex[:8]

    async def build(self, request: BuildRequest, out: Output) -> Image:
        return await super().build(replace(request, platform=self.salt), out)


class IgnoresPlatform(Steps):
    async def build(self, request: BuildRequest, out: Output) -> Image:
        return await super().build(replace(request, platform=None), out)


class IgnoresDestination(Steps):
    async def build(self, request: BuildRequest, out: Output) -> Image:
        return await super().build(replace(request, destination="other.io/x"), out)


class KeepsOne(Steps):
    async def build(self, request: BuildRequest, out: Output) -> Image:
        self.images.digests.clear()
        return await super().build(request, out)


class NotPushed(Steps):
    async def build(self, request: BuildRequest, out: Output) -> Image:
        image = await super().build(request, out)
        del self.images.digests[image.ref]
        return image


class RemembersTheCode(Steps):
    """By its place, as if code never changed."""

    def __post_init__(self) -> None:
        self.known: dict[Path, Image] = {}

    async def build(self, request: BuildRequest, out: Output) -> Image:
        if request.code not in self.known:
            self.known[request.code] = await super().build(request, out)
        await out.say("known")
        return self.known[request.code]


class RemembersFailures(Steps):
    def __post_init__(self) -> None:
        self.failed: dict[Path, BuildError] = {}

    async def build(self, request: BuildRequest, out: Output) -> Image:
        if request.code in self.failed:
            await out(b"nothing to build\n")
            raise self.failed[request.code]
        try:
            return await super().build(request, out)
        except BuildError as exc:
            self.failed[request.code] = exc
            raise


class StaysAway(Steps):
    down: bool = False

    async def build(self, request: BuildRequest, out: Output) -> Image:
        if self.down:
            raise BuildError("the registry of the images cannot be reached")
        try:
            return await super().build(request, out)
        except BuildError as exc:
            self.down = "reached" in exc.message
            raise


class Silent(Steps):
    async def build(self, request: BuildRequest, out: Output) -> Image:
        class Nowhere(Output):
            async def __call__(self, data: bytes) -> None:
                return

        return await super().build(request, Nowhere())


class SilentWhenItFails(Steps):
    async def _build(self, request: BuildRequest, out: Output) -> Image:
        if not await run_sync(read_tree, request.code):
            raise BuildError(f"{request.code}: there is nothing to build")
        return await super()._build(request, out)


class Late(Steps):
    async def build(self, request: BuildRequest, out: Output) -> Image:
        import asyncio

        image = await super().build(request, out)
        self.task = asyncio.get_running_loop().create_task(self._later(out))
        return image

    async def _later(self, out: Output) -> None:
        await anyio.sleep(0.002)
        await out(b"done\n")


class Mixes(Steps):
    """What is asked is kept in the object."""

    async def build(self, request: BuildRequest, out: Output) -> Image:
        self.asked = request
        await anyio.sleep(0.001)
        return await super().build(self.asked, out)


class Refuses(Steps):
    busy: bool = False

    async def build(self, request: BuildRequest, out: Output) -> Image:
        if self.busy:
            raise BuildError("another build is under way")
        self.busy = True
        try:
            await anyio.lowlevel.checkpoint()
            return await super().build(request, out)
        finally:
            self.busy = False


class Swallows(Steps):
    async def build(self, request: BuildRequest, out: Output) -> Any:
        with suppress(anyio.get_cancelled_exc_class()):
            await anyio.sleep(0.003)
            return await super().build(request, out)


class CancelIsAnError(Steps):
    async def build(self, request: BuildRequest, out: Output) -> Image:
        try:
            await anyio.sleep(0.003)
        except anyio.get_cancelled_exc_class():
            raise BuildError("the build was cut off") from None
        return await super().build(request, out)


class LosesTheLock(Steps):
    busy: bool = False

    async def build(self, request: BuildRequest, out: Output) -> Image:
        while self.busy:
            await anyio.sleep(0.001)
        self.busy = True
        await anyio.sleep(0.002)
        image = await super().build(request, out)
        self.busy = False
        return image


class LosesTheLockOfFailures(LosesTheLock):
    async def build(self, request: BuildRequest, out: Output) -> Image:
        try:
            return await super().build(request, out)
        except anyio.get_cancelled_exc_class():
            self.busy = False
            raise


class HalfIsThere(Steps):
    """What is there is taken, however much of it was built before somebody was cut off."""

    async def build(self, request: BuildRequest, out: Output) -> Image:
        image = await FakeBuilder().build(request, out)
        if image.ref not in self.images.contents:
            self.images.contents[image.ref] = {"train.py": File(b"print('hello')\n")}
            await anyio.sleep(0.1)
            self.images.contents[image.ref] = await run_sync(read_tree, request.code)
        self.images.digests[image.ref] = image.digest or ""
        return image


class Blocks(Steps):
    async def build(self, request: BuildRequest, out: Output) -> Image:
        (request.code / "train.py").read_bytes() if (request.code / "train.py").exists() else b""
        return await super().build(request, out)


def connect(request: BuildRequest) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


async def leak_program(one: Any, request: BuildRequest, out: Output) -> None:
    one.programs = [*getattr(one, "programs", []), subprocess.Popen(["true"])]


async def leak_file(one: Any, request: BuildRequest, out: Output) -> None:
    one.open = [*getattr(one, "open", []), socket.socket()]


async def hang(one: FakeBuilder, request: BuildRequest, out: Output) -> None:
    await anyio.sleep_forever()


async def hang_over_nothing(one: FakeBuilder, request: BuildRequest, out: Output) -> None:
    while not await run_sync(read_tree, request.code):
        await anyio.sleep(0.01)


async def tell_password(one: FakeBuilder, request: BuildRequest, out: Output) -> None:
    await out(f"docker login -p {one.images.password}\n".encode())


async def mark_password(one: FakeBuilder, request: BuildRequest, out: Output) -> None:
    await out.mark(f"login with {one.images.password}")


class WorksAlways(Steps):
    async def works_here(self) -> Any:
        return "yes"


class WorksNever(Steps):
    async def works_here(self) -> bool:
        await anyio.sleep_forever()
        return False


class BuildsAllTheSame(Steps):
    builds: ClassVar[bool] = False


class RefusesStrangely(NoopBuilder):
    async def build(self, request: BuildRequest, out: Output) -> Any:
        raise NotImplementedError


class NoopSuite(Suite):
    @pytest.fixture
    def workshop(self) -> FakeWorkshop:
        return FakeWorkshop()

    async def test_an_unknown_setting_is_refused(self, component: Any) -> None:
        """It takes those of all others."""


def write_beside(request: BuildRequest) -> None:
    request.code.with_name("context.tar").touch()


def write_into(request: BuildRequest) -> None:
    if any(request.code.iterdir()):
        (request.code / "Dockerfile").touch()


def touch_all(request: BuildRequest) -> None:
    for path in request.code.glob("*.py"):
        path.touch()


def widen_all(request: BuildRequest) -> None:
    for path in request.code.glob("*.py"):
        path.chmod(0o755)
