"""Uploads that go wrong, and what they leave."""

import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import anyio
from anyio.to_thread import run_sync

from launchkit.builtin.local import local_path
from launchkit.errors import LaunchError
from mutants.environment_steps import Steps


class Shallow(Steps):
    def put(self, data: bytes, target: Path) -> None:
        target.parent.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            target.parent.mkdir() if target.parent.name == "storage" else None
        target.write_bytes(data)


class RemovesNothing(Steps):
    async def remove(self, uri: str) -> None:
        local_path(uri)


class RemovesMore(Steps):
    async def remove(self, uri: str) -> None:
        await run_sync(lambda: [path.unlink() for path in local_path(uri).parent.glob("*")])


class MissesWhatIsGone(Steps):
    async def remove(self, uri: str) -> None:
        await run_sync(local_path(uri).unlink)


class Chunks(Steps):
    """Writes where it is read, with pauses in which it can be cut off."""

    async def store(self, source: Path, target: Path) -> None:
        data = await run_sync(self.read, source)
        await run_sync(partial(target.parent.mkdir, parents=True, exist_ok=True))
        async with await anyio.open_file(target, "wb") as file:
            for start in range(0, len(data), 1 << 18):
                await file.write(data[start : start + (1 << 18)])
                await file.flush()
                await anyio.sleep(0.001)


class GoesOn(Steps):
    async def store(self, source: Path, target: Path) -> None:
        await run_sync(self.slowly, source, target, abandon_on_cancel=True)

    def slowly(self, source: Path, target: Path) -> None:
        data = self.read(source)
        time.sleep(0.03)
        self.put(data, target)


class ReturnsEarly(Steps):
    async def store(self, source: Path, target: Path) -> None:
        self.site.tasks.start_soon(super().store, source, target)


class ReadsLate(Steps):
    """The file is read when the caller may have removed it already."""

    async def store(self, source: Path, target: Path) -> None:
        await run_sync(source.stat)

        async def later() -> None:
            await anyio.sleep(0.005)
            await super(ReadsLate, self).store(source, target)

        self.site.tasks.start_soon(later)


class Swallows(Steps):
    async def store(self, source: Path, target: Path) -> None:
        with suppress(anyio.get_cancelled_exc_class()):
            await anyio.sleep(0.003)
            await super().store(source, target)


class CancelIsAnError(Steps):
    async def store(self, source: Path, target: Path) -> None:
        try:
            await anyio.sleep(0.003)
        except anyio.get_cancelled_exc_class():
            raise LaunchError("the upload was cut off") from None
        await super().store(source, target)


class LosesTheLock(Steps):
    busy: bool = False

    async def store(self, source: Path, target: Path) -> None:
        while self.busy:
            await anyio.sleep(0.001)
        self.busy = True
        await anyio.sleep(0.002)
        await super().store(source, target)
        self.busy = False


class LosesTheLockOfFailures(LosesTheLock):
    async def store(self, source: Path, target: Path) -> None:
        try:
            await super().store(source, target)
        except anyio.get_cancelled_exc_class():
            self.busy = False
            raise


class Mixes(Steps):
    async def upload(self, source: Path, uri: str) -> None:
        self.goal = local_path(uri)
        await super().upload(source, uri)

    async def store(self, source: Path, target: Path) -> None:
        await anyio.sleep(0.001)
        await super().store(source, self.goal)


class Refuses(Steps):
    busy: bool = False

    async def store(self, source: Path, target: Path) -> None:
        if self.busy:
            raise LaunchError("another upload is under way")
        self.busy = True
        try:
            await super().store(source, target)
        finally:
            self.busy = False


class RemembersFailures(Steps):
    def __post_init__(self) -> None:
        self.failed: dict[Path, LaunchError] = {}

    async def upload(self, source: Path, uri: str) -> None:
        if source in self.failed:
            raise self.failed[source]
        try:
            await super().upload(source, uri)
        except LaunchError as exc:
            self.failed[source] = exc
            raise


class RemembersFiles(Steps):
    """By path and size, as if a file never changed."""

    def __post_init__(self) -> None:
        self.done: set[tuple[Path, int, str]] = set()

    async def upload(self, source: Path, uri: str) -> None:
        with suppress(OSError):
            key = (source, (await run_sync(source.stat)).st_size, uri)
            if key in self.done:
                return
            self.done.add(key)
        await super().upload(source, uri)


class EmptiesFirst(Steps):
    def copy(self, source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"")
        super().copy(source, target)


class TakesDirectories(Steps):
    def read(self, source: Path) -> bytes:
        return b"" if source.is_dir() else super().read(source)


class MissingIsNothing(Steps):
    async def upload(self, source: Path, uri: str) -> None:
        target = await self.target(uri)
        with suppress(OSError):
            await self.store(source, target)


class Blocks(Steps):
    async def store(self, source: Path, target: Path) -> None:
        self.copy(source, target)


class LeaksFiles(Steps):
    def read(self, source: Path) -> bytes:
        self.open = [*getattr(self, "open", []), source.open("rb")]
        return bytes(self.open[-1].read())


def connect() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


async def leak_task(one: Steps, source: Path) -> None:
    one.site.tasks.start_soon(anyio.sleep_forever)


async def leak_program(one: Steps, source: Path) -> None:
    one.programs = [*getattr(one, "programs", []), subprocess.Popen(["true"])]  # type: ignore[attr-defined]


async def leak_temporary(one: Steps, source: Path) -> None:
    await run_sync(tempfile.mkdtemp)


async def hang(one: Steps, source: Path) -> None:
    await anyio.sleep_forever()


async def hang_over_missing(one: Steps, source: Path) -> None:
    while not await anyio.Path(source).is_file():
        await anyio.sleep(0.01)
