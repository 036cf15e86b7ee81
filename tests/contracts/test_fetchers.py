"""The fetchers for git repositories and for packed code keep to their contract."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from shelves import GitShelf, OfAnArchive

from launchkit.abc import Fetcher, Site
from launchkit.builtin.archive import ArchiveFetcher
from launchkit.builtin.git import GitFetcher
from launchkit.testing import FetcherContract, started


class TestGitFetcher(FetcherContract):
    adds = frozenset({".git"})

    @pytest.fixture
    def fetcher(self) -> Fetcher:
        return GitFetcher()

    @pytest.fixture
    def shelf(self, tmp_path: Path) -> GitShelf:
        return GitShelf(tmp_path / "repository")


class TestArchiveFetcher(OfAnArchive, FetcherContract):
    @pytest.fixture
    async def fetcher(self, site: Site) -> AsyncIterator[Fetcher]:
        async with started(ArchiveFetcher(), site) as fetcher:
            yield fetcher
