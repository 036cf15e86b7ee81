"""Builders that are right, but built differently."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.lowlevel
from anyio.to_thread import run_sync

from launchkit.abc import Output
from launchkit.model import BuildRequest, Image
from mutants.builder_steps import Steps


class Slow(Steps):
    async def build(self, request: BuildRequest, out: Output) -> Image:
        await anyio.sleep(0.1)
        return await super().build(request, out)


class OneByOne(Steps):
    def __post_init__(self) -> None:
        self.lock = anyio.Lock()

    async def build(self, request: BuildRequest, out: Output) -> Image:
        async with self.lock:
            return await super().build(request, out)


class Warns(Steps):
    async def build(self, request: BuildRequest, out: Output) -> Image:
        return replace(await super().build(request, out), warnings=("the base image moves",))


class InTemporary(Steps):
    """Copies the code first, and removes the copy."""

    async def build(self, request: BuildRequest, out: Output) -> Image:
        place = Path(await run_sync(tempfile.mkdtemp))
        try:
            await run_sync(lambda: shutil.copytree(request.code, place / "code", symlinks=True))
            return await super().build(replace(request, code=place / "code"), out)
        finally:
            with anyio.CancelScope(shield=True):
                await run_sync(shutil.rmtree, place)
