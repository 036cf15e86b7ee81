"""Fetch packed code from the queue's storage, through a bounded cache on this machine."""

import os
import re
import secrets
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar
from weakref import WeakValueDictionary

import anyio
import anyio.to_thread
from pydantic import Field

from launchkit.abc import Fetcher, QueueBackend, Site
from launchkit.aio.retry import Backoff, retry
from launchkit.code.unpack import DamagedArchive, unpack
from launchkit.errors import FetchError, NotFound, PluginError, Unreachable
from launchkit.hookspecs import hookimpl
from launchkit.model import ArchiveSource, Source
from launchkit.private_files import begin_file, make_folder

DIGEST = re.compile(r"[0-9a-f]{64}")
BACKOFF = Backoff(first=0.5, cap=8.0, deadline=15.0)
LEFTOVER_SECONDS = 24 * 3600.0
CLEANUP_SECONDS = 5.0


@dataclass(kw_only=True)
class ArchiveFetcher(Fetcher):
    """Brings code directories that were packed at launch."""

    kind: ClassVar[str] = "archive"

    cache_bytes: Annotated[int, Field(ge=0)] = 2 * 1024**3
    """How much code is kept for the next launch of it; what was used last is kept longest."""
    _backend: QueueBackend = field(init=False, repr=False)
    _cache: Path = field(init=False, repr=False)
    _locks: "WeakValueDictionary[str, anyio.Lock]" = field(init=False, repr=False)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Keep the site's queue backend and make the cache directory."""
        if site.backend is None:
            raise PluginError("the fetcher 'archive' needs a queue backend, and there is none")
        self._backend = site.backend
        self._cache = site.cache_dir / "archives"
        self._locks = WeakValueDictionary()
        await anyio.to_thread.run_sync(make_folder, self._cache)

    async def fetch(self, source: Source, into: Path) -> None:
        """Unpack the code into *into*; a damaged copy in the cache is fetched again once.

        :raises FetchError: if it cannot be had.
        """
        if not isinstance(source, ArchiveSource) or not DIGEST.fullmatch(source.digest):
            raise FetchError(f"not the source of packed code: {source}")
        lock = self._locks.setdefault(source.digest, anyio.Lock())
        async with lock:
            cached = await self._cached(source.digest)
            try:
                await anyio.to_thread.run_sync(unpack, cached, source.digest, into)
            except DamagedArchive:
                await anyio.Path(cached).unlink(missing_ok=True)
                cached = await self._cached(source.digest)
                await anyio.to_thread.run_sync(unpack, cached, source.digest, into)
        await anyio.to_thread.run_sync(prune, self._cache, self.cache_bytes)

    async def _cached(self, digest: str) -> Path:
        path = self._cache / f"{digest}.tar.gz"
        try:
            if not await anyio.to_thread.run_sync(_touched, path):
                await self._download(digest, path)
        except OSError as exc:
            raise FetchError(
                f"cannot keep code in {self._cache}: {exc.strerror}",
                hint="check that the cache directory can be written and has room",
            ) from exc
        return path

    async def _download(self, digest: str, path: Path) -> None:
        try:
            await retry(partial(self._try_download, digest, path), on=Unreachable, backoff=BACKOFF)
        except NotFound as exc:
            raise FetchError(
                f"the code {digest} is no longer in the queue's storage",
                hint="launch it again from the directory with the code",
            ) from exc
        except Unreachable as exc:
            raise FetchError(f"cannot fetch code: {exc.message}", hint=exc.hint) from exc

    async def _try_download(self, digest: str, path: Path) -> None:
        part = anyio.Path(self._cache / f"{digest}.{secrets.token_hex(8)}.part")
        try:
            async with AsyncExitStack() as stack:
                chunks = self._backend.archive(digest)
                if isinstance(chunks, AsyncGenerator):
                    await stack.enter_async_context(aclosing(chunks))
                await anyio.to_thread.run_sync(begin_file, Path(part))
                file = await stack.enter_async_context(await part.open("wb"))
                async for chunk in chunks:
                    await file.write(chunk)
            await part.replace(path)
        finally:
            with anyio.move_on_after(CLEANUP_SECONDS, shield=True):
                await part.unlink(missing_ok=True)


def prune(cache: Path, most: int) -> None:
    """Remove what was used least recently until *cache* holds at most *most* bytes."""
    kept = 0
    for file, facts in sorted(_listed(cache), key=lambda pair: pair[1].st_mtime, reverse=True):
        downloading = file.suffix == ".part" and facts.st_mtime > time.time() - LEFTOVER_SECONDS
        kept += facts.st_size
        if kept > most and not downloading:
            file.unlink(missing_ok=True)


def _listed(cache: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for file in cache.iterdir():
        with suppress(FileNotFoundError):  # another agent tidies up here too
            yield file, file.stat()


def _touched(path: Path) -> bool:
    """Whether the file is there; marks it as used just now."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


@hookimpl
def launchkit_fetchers() -> list[type[Fetcher]]:
    """Offer the fetcher."""
    return [ArchiveFetcher]
