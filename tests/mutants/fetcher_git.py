"""Fetchers of git and of archives with a defect."""

from pathlib import Path

import anyio
import pytest
from anyio.to_thread import run_sync

from launchkit.abc import Fetcher
from launchkit.builtin.archive import ArchiveFetcher
from launchkit.builtin.git import GitFetcher
from launchkit.code.unpack import unpack
from launchkit.errors import FetchError, Rejected
from launchkit.model import ArchiveSource, Source
from mutants.fetcher_errors import login
from mutants.fetcher_trees import files


class TellsLogin(GitFetcher):
    async def fetch(self, source: Source, into: Path) -> None:
        try:
            await super().fetch(source, into)
        except Rejected as exc:
            raise Rejected(f"{login(source)} is not acceptable") from exc


def git(*settings: str) -> type[Fetcher]:
    """Git with settings of its user."""

    class Set(GitFetcher):
        async def fetch(self, source: Source, into: Path) -> None:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("GIT_CONFIG_COUNT", str(len(settings)))
                for number, setting in enumerate(settings):
                    name, _, value = setting.partition("=")
                    patch.setenv(f"GIT_CONFIG_KEY_{number}", name)
                    patch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
                await super().fetch(source, into)

    return Set


class NoProgramsInArchives(ArchiveFetcher):
    async def fetch(self, source: Source, into: Path) -> None:
        await super().fetch(source, into)
        await run_sync(lambda: [path.chmod(0o644) for path in files(into)])


class ArchiveOfTheCache(ArchiveFetcher):
    """Takes whatever is in its cache, also what was begun there and cut off."""

    async def fetch(self, source: Source, into: Path) -> None:
        if not isinstance(source, ArchiveSource):
            raise FetchError(f"not the source of packed code: {source}")
        await run_sync(unpack, await self._cached(source.digest), source.digest, into)

    async def _try_download(self, digest: str, path: Path) -> None:
        async with await anyio.open_file(path, "xb") as file:
            async for chunk in self._backend.archive(digest):
                await file.write(chunk)
                await anyio.sleep(0.02)
