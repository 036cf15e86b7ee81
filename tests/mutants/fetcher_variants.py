"""Fetchers that are right, but built differently."""

from pathlib import Path

import anyio

from launchkit.errors import FetchError
from mutants.fetcher_folder import FolderFetcher
from mutants.fetcher_trees import links


class Uncached(FolderFetcher):
    def keep(self, version: Path) -> Path:
        return version


class Slow(FolderFetcher):
    async def copy(self, kept: Path, into: Path) -> None:
        await anyio.sleep(0.1)
        await super().copy(kept, into)


class ByProgram(FolderFetcher):
    async def copy(self, kept: Path, into: Path) -> None:
        await anyio.run_process(["cp", "-a", f"{kept}/.", str(into)])


class RefusesOutwards(FolderFetcher):
    def fill(self, kept: Path, into: Path) -> None:
        super().fill(kept, into)
        if any(not link.resolve().is_relative_to(into.resolve()) for link in links(into)):
            raise FetchError("there is a link out of the code in it")
