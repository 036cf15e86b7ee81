"""Pins, and sources of other kinds."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
from anyio.to_thread import run_sync

from launchkit.errors import FetchError
from launchkit.model import ArchiveSource, GitSource, Source
from mutants.fetcher_folder import FolderFetcher


class NotPinned(FolderFetcher):
    async def pin(self, source: Source) -> Source:
        return source


class PinsToAnotherKind(FolderFetcher):
    async def pin(self, source: Source) -> Source:
        version = await self.version(source)
        return ArchiveSource(digest=version.name, size=1, name="code")


class PinsAgain(FolderFetcher):
    async def pin(self, source: Source) -> Source:
        pinned = await super().pin(source)
        assert isinstance(pinned, GitSource)
        return replace(pinned, ref=f"{pinned.ref}x")


class PinsWhatIsNotThere(FolderFetcher):
    async def pin(self, source: Source) -> Source:
        try:
            return await super().pin(source)
        except FetchError:
            return replace(source, commit="0" * 40)


class PinFailsStrangely(FolderFetcher):
    async def pin(self, source: Source) -> Source:
        assert isinstance(source, GitSource)
        if source.commit:
            return source
        return replace(source, commit=Path(source.remote, source.ref or "").readlink().name[1:])


class IgnoresPins(FolderFetcher):
    async def fetch(self, source: Source, into: Path) -> None:
        plain = replace(source, commit=None) if isinstance(source, GitSource) else source
        await super().fetch(plain, into)


class TakesAnyKind(FolderFetcher):
    async def fetch(self, source: Source, into: Path) -> None:
        if isinstance(source, GitSource):
            await super().fetch(source, into)


class FallsOverOtherKinds(FolderFetcher):
    async def version(self, source: Any) -> Path:
        return await run_sync(self.find, source)


class Hangs(FolderFetcher):
    async def copy(self, kept: Path, into: Path) -> None:
        await anyio.sleep_forever()


class HangsOverWhatIsMissing(FolderFetcher):
    async def version(self, source: Source) -> Path:
        while True:
            try:
                return await super().version(source)
            except FetchError:
                if not isinstance(source, GitSource):
                    raise
                await anyio.sleep(0.01)
