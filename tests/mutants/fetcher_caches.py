"""Fetchers that remember what they should look for."""

from pathlib import Path

from launchkit.errors import FetchError
from launchkit.model import GitSource, ImageSource, Source
from mutants.fetcher_folder import FolderFetcher


class CachesByName(FolderFetcher):
    def keep(self, version: Path) -> Path:
        return super().keep(version.parent / "main")


class CachesTheVersion(FolderFetcher):
    """What a name meant once."""

    def __post_init__(self) -> None:
        self.known: dict[Source, Path] = {}

    async def version(self, source: Source) -> Path:
        if source not in self.known:
            self.known[source] = await super().version(source)
        return self.known[source]


class CachesPins(FolderFetcher):
    def __post_init__(self) -> None:
        self.known: dict[Source, Source] = {}

    async def pin(self, source: Source) -> Source:
        if source not in self.known:
            self.known[source] = await super().pin(source)
        return self.known[source]


class CachesFailures(FolderFetcher):
    def __post_init__(self) -> None:
        self.failed: dict[str, FetchError] = {}

    async def version(self, source: Source) -> Path:
        assert isinstance(source, GitSource | ImageSource)
        key = getattr(source, "remote", "")
        if key in self.failed:
            raise self.failed[key]
        try:
            return await super().version(source)
        except FetchError as exc:
            self.failed[key] = exc
            raise
