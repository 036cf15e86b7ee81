"""Where the fetchers of launchkit get their sources from when they are tested."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import anyio
import pytest
from anyio.to_thread import run_sync

from launchkit.abc import Site
from launchkit.code.pack import pack
from launchkit.model import ArchiveSource, GitSource, Source
from launchkit.store.backend import StoreBackend
from launchkit.store.hub import StoreHub
from launchkit.testing import Shelf, site_at, started
from launchkit.testing.trees import read_tree, write_tree

WHO = {"NAME": "Ada", "EMAIL": "ada@example.com"}


class GitShelf(Shelf):
    """A repository on this machine."""

    def __init__(self, repository: Path) -> None:
        self.repository = repository

    async def publish(self, code: Path) -> Source:
        await run_sync(self._commit, code)
        return GitSource(remote=f"file://{self.repository}", ref="main")

    def _commit(self, code: Path) -> None:
        self.repository.mkdir(exist_ok=True)
        self._git("init", "-q", "-b", "main")
        for path in self.repository.iterdir():
            if path.name != ".git":
                path.unlink() if path.is_symlink() or path.is_file() else shutil.rmtree(path)
        write_tree(read_tree(code), self.repository)
        self._git("add", "-A")
        self._git("commit", "-q", "--allow-empty", "-m", "one")

    def _git(self, *args: str) -> None:
        roles = ("AUTHOR", "COMMITTER")
        environ = {f"GIT_{role}_{k}": v for role in roles for k, v in WHO.items()} | os.environ
        subprocess.run(["git", *args], cwd=self.repository, env=environ, check=True)

    async def withdraw(self, source: Source) -> None:
        await run_sync(shutil.rmtree, self.repository)

    async def locked(self, password: str) -> Source:
        return GitSource(remote=f"https://ada:{password}@127.0.0.1:9/code.git", ref="main")


class ArchiveShelf(Shelf):
    """The storage of a queue in an SQLite file."""

    def __init__(self, site: Site, database: Path) -> None:
        self.site = site
        self.database = database

    async def publish(self, code: Path) -> Source:
        packed = self.database.with_name("packed.tar.gz")
        source = await run_sync(pack, code, packed)

        async def chunks() -> AsyncIterator[bytes]:
            yield await anyio.Path(packed).read_bytes()

        hub = StoreHub(url=f"sqlite:///{self.database}", entity="test")
        async with started(hub, self.site):
            await hub.jobs().put_archive(source.digest, chunks())
        return source

    async def withdraw(self, source: Source) -> None:
        assert isinstance(source, ArchiveSource)
        await run_sync(self._forget, source.digest)

    def _forget(self, digest: str) -> None:
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute("delete from archive_chunk where digest = ?", (digest,))
            connection.execute("delete from archive where digest = ?", (digest,))


class FolderShelf(Shelf):
    """A directory that a fetcher copies; `main` in it is a link to what was published last."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def publish(self, code: Path) -> Source:
        await run_sync(self._publish, code)
        return GitSource(remote=str(self.folder), ref="main")

    def _publish(self, code: Path) -> None:
        self.folder.mkdir(exist_ok=True)
        version = (uuid4().hex * 2)[:40]
        write_tree(read_tree(code), self.folder / f"v{version}")
        (self.folder / "main").unlink(missing_ok=True)
        (self.folder / "main").symlink_to(f"v{version}")

    async def withdraw(self, source: Source) -> None:
        await run_sync(shutil.rmtree, self.folder)

    async def locked(self, password: str) -> Source:
        return GitSource(remote=f"https://ada:{password}@127.0.0.1:9/code", ref="main")


class OfAnArchive:
    """The fixtures of a suite whose sources are in a queue's store."""

    @pytest.fixture
    async def site(self, tmp_path: Path) -> AsyncIterator[Site]:
        backend = StoreBackend(url=f"sqlite:///{tmp_path}/queue.db", entity="test")
        async with (
            site_at(tmp_path / "site", backend=backend) as site,
            started(backend, site),
        ):
            yield site

    @pytest.fixture
    def shelf(self, site: Site, tmp_path: Path) -> ArchiveShelf:
        return ArchiveShelf(site, tmp_path / "queue.db")
