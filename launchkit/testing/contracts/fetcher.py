"""The suite for fetchers."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from launchkit.abc import Component, Fetcher
from launchkit.errors import FetchError
from launchkit.model import ImageSource, Source
from launchkit.testing.contracts.component import ComponentContract


class FetcherContract(ComponentContract):
    """Give the fixtures `fetcher` (started), `source`, something that it can fetch, `files`, what
    must be there then (path → content, at least one), and `missing`, a source that is not there.
    """

    @pytest.fixture
    def fetcher(self) -> Fetcher:
        """The started fetcher."""
        raise pytest.UsageError("override the fixture `fetcher`")

    @pytest.fixture
    def source(self) -> Source:
        """What can be fetched."""
        raise pytest.UsageError("override the fixture `source`")

    @pytest.fixture
    def files(self) -> Mapping[str, bytes]:
        """What is in it."""
        raise pytest.UsageError("override the fixture `files`")

    @pytest.fixture
    def missing(self) -> Source:
        """What cannot be fetched."""
        raise pytest.UsageError("override the fixture `missing`")

    @pytest.fixture
    def component(self, fetcher: Fetcher) -> Component:
        """The fetcher."""
        return fetcher

    @pytest.mark.parametrize("times", [1, 2])
    async def test_each_fetch_brings_all_files(
        self,
        fetcher: Fetcher,
        source: Source,
        files: Mapping[str, bytes],
        tmp_path: Path,
        times: int,
    ) -> None:
        """Also when it comes from a cache."""
        for time in range(times):
            into = tmp_path / f"into-{time}"
            into.mkdir()
            await fetcher.fetch(source, into)
            assert {path: (into / path).read_bytes() for path in files} == files

    async def test_what_is_fetched_belongs_to_the_one_who_asked(
        self, fetcher: Fetcher, source: Source, files: Mapping[str, bytes], tmp_path: Path
    ) -> None:
        """A run may write to its code; the next one must not see that."""
        one, two = tmp_path / "one", tmp_path / "two"
        path = next(iter(files))
        for into in (one, two):
            into.mkdir()
            await fetcher.fetch(source, into)
            assert (into / path).read_bytes() == files[path]
            (into / path).write_bytes(b"changed by the run")

    async def test_what_is_not_there_is_a_fetch_error(
        self, fetcher: Fetcher, missing: Source, tmp_path: Path
    ) -> None:
        """It fails one launch, with a reason."""
        (tmp_path / "into").mkdir()
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(missing, tmp_path / "into")
        assert len(caught.value.message.split()) > 2

    async def test_a_source_of_another_kind_is_a_fetch_error(
        self, fetcher: Fetcher, tmp_path: Path
    ) -> None:
        """No fetcher brings an image."""
        (tmp_path / "into").mkdir()
        with pytest.raises(FetchError):
            await fetcher.fetch(ImageSource(image="img"), tmp_path / "into")
