"""The fetchers for git repositories and for packed code keep to their contract."""

import os
import subprocess
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from launchkit.abc import Fetcher, Site
from launchkit.builtin.archive import ArchiveFetcher
from launchkit.builtin.git import GitFetcher
from launchkit.code.pack import pack
from launchkit.model import ArchiveSource, GitSource, Source
from launchkit.store.backend import StoreBackend, StoreHub
from launchkit.testing import FetcherContract, site_at, started

FILES = {"train.py": b"print('hello')\n", "data/x.bin": bytes(range(256))}


@pytest.fixture
def code(tmp_path: Path) -> Path:
    for name, data in FILES.items():
        path = tmp_path / "code" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "code"


class FetchesFiles(FetcherContract):
    @pytest.fixture
    def files(self) -> Mapping[str, bytes]:
        return FILES


class TestGitFetcher(FetchesFiles):
    @pytest.fixture
    def fetcher(self) -> Fetcher:
        return GitFetcher()

    @pytest.fixture
    def source(self, code: Path) -> Source:
        who = {"NAME": "Ada", "EMAIL": "ada@example.com"}
        roles = ("AUTHOR", "COMMITTER")
        environ = {f"GIT_{role}_{k}": v for role in roles for k, v in who.items()} | os.environ
        for args in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "one"]):
            subprocess.run(["git", *args], cwd=code, env=environ, check=True)
        return GitSource(remote=f"file://{code}", ref="main")

    @pytest.fixture
    def missing(self, source: Source) -> Source:
        assert isinstance(source, GitSource)
        return replace(source, commit="0" * 40)


class TestArchiveFetcher(FetchesFiles):
    @pytest.fixture
    async def site(self, tmp_path: Path) -> AsyncIterator[Site]:
        backend = StoreBackend(url=f"sqlite:///{tmp_path}/queue.db", entity="test")
        async with (
            site_at(tmp_path / "site", backend=backend) as site,
            started(backend, site),
        ):
            yield site

    @pytest.fixture
    async def fetcher(self, site: Site) -> AsyncIterator[Fetcher]:
        async with started(ArchiveFetcher(), site) as fetcher:
            yield fetcher

    @pytest.fixture
    async def source(self, site: Site, code: Path, tmp_path: Path) -> Source:
        packed = tmp_path / "code.tar.gz"
        source = pack(code, packed)

        async def chunks() -> AsyncIterator[bytes]:
            yield await anyio.Path(packed).read_bytes()

        hub = StoreHub(url=f"sqlite:///{tmp_path}/queue.db", entity="test")
        async with started(hub, site):
            await hub.jobs().put_archive(source.digest, chunks())
        return source

    @pytest.fixture
    def missing(self) -> Source:
        return ArchiveSource(digest="0" * 64, size=1, name="code")
