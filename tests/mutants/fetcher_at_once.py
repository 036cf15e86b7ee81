"""Fetches that are cancelled, and several at once."""

import shutil
import time
from contextlib import suppress
from pathlib import Path

import anyio
from anyio.to_thread import run_sync

from launchkit.errors import FetchError
from launchkit.model import Source
from mutants.fetcher_folder import FolderFetcher
from mutants.fetcher_trees import files, links


class HalfInTheCache(FolderFetcher):
    async def kept(self, version: Path) -> Path:
        kept = self.cache / version.name
        if not kept.exists():
            for path in await run_sync(files, version):
                await run_sync(self._one, path, kept / path.relative_to(version))
                await anyio.sleep(0.001)
            await run_sync(self._links, version, kept)
        return kept

    def _one(self, path: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)

    def _links(self, version: Path, kept: Path) -> None:
        for link in links(version):
            (kept / link.relative_to(version)).symlink_to(link.readlink())


class Unlocked(HalfInTheCache):
    async def fetch(self, source: Source, into: Path) -> None:
        version = await self.version(source)
        with anyio.CancelScope(shield=True):
            kept = await self.kept(version)
        await self.copy(kept, into)


class Swallows(FolderFetcher):
    async def fetch(self, source: Source, into: Path) -> None:
        with suppress(anyio.get_cancelled_exc_class()):
            await super().fetch(source, into)


class CancelIsAnError(FolderFetcher):
    async def fetch(self, source: Source, into: Path) -> None:
        try:
            await super().fetch(source, into)
        except anyio.get_cancelled_exc_class():
            raise FetchError("the fetch was cut off") from None


class GoesOn(FolderFetcher):
    """In a thread that nobody waits for."""

    async def copy(self, kept: Path, into: Path) -> None:
        await run_sync(self._slowly, kept, into, abandon_on_cancel=True)

    def _slowly(self, kept: Path, into: Path) -> None:
        for path in sorted(kept.iterdir()):
            time.sleep(0.003)
            target = into / path.name
            if path.is_dir() and not path.is_symlink():
                shutil.copytree(path, target, symlinks=True)
            else:
                shutil.copy2(path, target, follow_symlinks=False)


class CannotBeCancelled(FolderFetcher):
    async def copy(self, kept: Path, into: Path) -> None:
        with anyio.CancelScope(shield=True):
            await super().copy(kept, into)
            await anyio.sleep(0.4)
            await anyio.sleep(20 if self.cache.joinpath("again").exists() else 0)
            self.cache.joinpath("again").mkdir(exist_ok=True)


class LosesTheLock(FolderFetcher):
    """Who is cancelled keeps it."""

    def __post_init__(self) -> None:
        self.held = False

    async def fetch(self, source: Source, into: Path) -> None:
        while self.held:
            await anyio.sleep(0.001)
        self.held = True
        await super().fetch(source, into)
        self.held = False


class LosesTheLockOfFailures(LosesTheLock):
    async def fetch(self, source: Source, into: Path) -> None:
        try:
            await super().fetch(source, into)
        except anyio.get_cancelled_exc_class():
            self.held = False
            raise


class FollowsTheFirst(FolderFetcher):
    """Who comes second takes what the first brings, also its cancellation."""

    def __post_init__(self) -> None:
        self.under_way: dict[str, anyio.Event] = {}

    async def fetch(self, source: Source, into: Path) -> None:
        version = await self.version(source)
        if first := self.under_way.get(version.name):
            await first.wait()
            await run_sync(self.fill, self.cache / version.name, into)
            return
        self.under_way[version.name] = anyio.Event()
        try:
            await anyio.sleep(0.15)
            await super().fetch(source, into)
        finally:
            self.under_way.pop(version.name).set()


class SharedState(FolderFetcher):
    """Where to is kept in the object."""

    into: Path

    async def fetch(self, source: Source, into: Path) -> None:
        self.goal = into
        await super().fetch(source, into)

    async def copy(self, kept: Path, into: Path) -> None:
        await super().copy(kept, self.goal)
