"""A right fetcher in small steps, so that each can be done wrong: it copies directories."""

import shutil
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar
from uuid import uuid4
from weakref import WeakValueDictionary

import anyio
from anyio.to_thread import run_sync

from launchkit.abc import Fetcher, Site
from launchkit.addresses import masked
from launchkit.errors import FetchError
from launchkit.model import GitSource, Source


@dataclass(kw_only=True)
class FolderFetcher(Fetcher):
    """Brings what a `FolderShelf` has, through a cache."""

    kind: ClassVar[str] = "folder"

    site: Site = field(init=False, repr=False)
    cache: Path = field(init=False, repr=False)
    locks: "WeakValueDictionary[str, anyio.Lock]" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """For those with something to remember."""

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        self.site = site
        self.cache = site.cache_dir / "folders"
        self.locks = WeakValueDictionary()
        await anyio.Path(self.cache).mkdir(parents=True)

    async def fetch(self, source: Source, into: Path) -> None:
        version = await self.version(source)
        async with self.locks.setdefault(version.name, anyio.Lock()):
            kept = await self.kept(version)
        await self.copy(kept, into)

    async def pin(self, source: Source) -> Source:
        version = await self.version(source)
        return replace(source, commit=version.name.removeprefix("v"))

    async def version(self, source: Source) -> Path:
        if not isinstance(source, GitSource):
            raise FetchError(f"not the source of a folder: {source}")
        return await run_sync(self.find, source)

    def find(self, source: GitSource) -> Path:
        name = f"v{source.commit}" if source.commit else (source.ref or "main")
        try:
            return (Path(source.remote) / name).resolve(strict=True)
        except OSError as exc:
            raise self.failure(source, exc) from None

    def failure(self, source: GitSource, exc: OSError) -> FetchError:
        return FetchError(f"{masked(source.remote)}: cannot be read: {exc.strerror}")

    async def kept(self, version: Path) -> Path:
        return await run_sync(self.keep, version)

    def keep(self, version: Path) -> Path:
        kept, part = self.cache / version.name, self.cache / f"{uuid4().hex}.part"
        if not kept.exists():
            shutil.copytree(version, part, symlinks=True)
            part.rename(kept)
        return kept

    async def copy(self, kept: Path, into: Path) -> None:
        await run_sync(self.fill, kept, into)

    def fill(self, kept: Path, into: Path) -> None:
        shutil.copytree(kept, into, symlinks=True, dirs_exist_ok=True)
