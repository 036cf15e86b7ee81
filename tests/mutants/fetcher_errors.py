"""What fetchers raise, and what it tells."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from launchkit.addresses import masked
from launchkit.errors import FetchError, Rejected
from launchkit.model import GitSource, Source
from mutants.fetcher_folder import FolderFetcher


class ForeignError(FolderFetcher):
    def find(self, source: GitSource) -> Path:
        return (Path(source.remote) / (source.ref or "")).resolve(strict=True)


class MissingIsEmpty(FolderFetcher):
    async def fetch(self, source: Source, into: Path) -> None:
        with suppress(FetchError):
            await super().fetch(source, into)


class MissingIsEmptyUnlessForeign(FolderFetcher):
    async def fetch(self, source: Source, into: Path) -> None:
        try:
            await super().fetch(source, into)
        except FetchError:
            if not isinstance(source, GitSource):
                raise


class SaysNothing(FolderFetcher):
    def failure(self, source: GitSource, exc: OSError) -> FetchError:
        return FetchError("failed")


class WrongError(FolderFetcher):
    def failure(self, source: GitSource, exc: OSError) -> Any:
        return Rejected(f"{masked(source.remote)}: cannot be read")


def login(source: Source) -> str:
    """What stands before the host, without which an address is not known as one."""
    return (
        source.remote.partition("://")[2].partition("@")[0] if isinstance(source, GitSource) else ""
    )


class TellsPassword(FolderFetcher):
    def failure(self, source: GitSource, exc: OSError) -> FetchError:
        return FetchError(f"cannot log in as {login(source)}: {exc.strerror}")


class HintsPassword(FolderFetcher):
    def failure(self, source: GitSource, exc: OSError) -> FetchError:
        return FetchError("the folder cannot be read", hint=f"are you {login(source)}?")


class CausePassword(FolderFetcher):
    def find(self, source: GitSource) -> Path:
        try:
            return super().find(source)
        except FetchError as exc:
            raise exc from OSError(source.remote)


class PinTellsPassword(FolderFetcher):
    async def pin(self, source: Source) -> Source:
        try:
            return await super().pin(source)
        except FetchError as exc:
            raise FetchError(f"cannot pin this source of {login(source)}") from exc
