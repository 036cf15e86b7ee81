"""The suites for fetchers that are nearly right."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from shelves import FolderShelf, GitShelf, OfAnArchive

from launchkit.abc import Fetcher, Site
from launchkit.builtin.archive import ArchiveFetcher
from launchkit.builtin.git import GitFetcher
from launchkit.testing import FetcherContract, Shelf, started
from mutants.fetcher_folder import FolderFetcher


class Suite(FetcherContract):
    """The suite for a class that is nearly right."""

    patience = 5.0
    made: Callable[[], Fetcher] = FolderFetcher

    @pytest.fixture
    async def fetcher(self, site: Site) -> AsyncIterator[Fetcher]:
        async with started(type(self).made(), site) as fetcher:
            yield fetcher

    @pytest.fixture
    def shelf(self, site: Site, tmp_path: Path) -> Shelf:
        return FolderShelf(tmp_path / "folder")


class GitSuite(Suite):
    adds = frozenset({".git"})
    made = GitFetcher

    @pytest.fixture
    def fetcher(self) -> Fetcher:
        """Not started: it takes repositories of this machine from wherever they are."""
        return type(self).made()

    @pytest.fixture
    def shelf(self, site: Site, tmp_path: Path) -> Shelf:
        return GitShelf(tmp_path / "repository")


class ArchiveSuite(OfAnArchive, Suite):
    made = ArchiveFetcher
