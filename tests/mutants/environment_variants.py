"""Environments that are right, but built differently."""

from pathlib import Path
from uuid import uuid4

import anyio

from launchkit.errors import LaunchError
from mutants.environment_steps import Steps


class Slow(Steps):
    async def store(self, source: Path, target: Path) -> None:
        await anyio.sleep(0.1)
        await super().store(source, target)


class OneByOne(Steps):
    def __post_init__(self) -> None:
        self.lock = anyio.Lock()

    async def store(self, source: Path, target: Path) -> None:
        async with self.lock:
            await super().store(source, target)


class ByProgram(Steps):
    async def store(self, source: Path, target: Path) -> None:
        if not await anyio.Path(source).is_file():
            raise LaunchError(f"{source}: is no file")
        part = target.with_name(f".{uuid4().hex}")
        await anyio.Path(target.parent).mkdir(parents=True, exist_ok=True)
        try:
            await anyio.run_process(["cp", str(source), str(part)])
            await anyio.Path(part).replace(target)
        finally:
            with anyio.move_on_after(5, shield=True):
                await anyio.Path(part).unlink(missing_ok=True)
