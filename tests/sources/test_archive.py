"""Packed code comes from the queue's storage, through a cache."""

import gzip
import os
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest
from anyio.to_thread import run_sync
from waiting import PATIENCE

from launchkit.abc import Fetcher, QueueBackend, Site
from launchkit.builtin.archive import ArchiveFetcher, prune
from launchkit.code.pack import pack
from launchkit.codec import decode
from launchkit.errors import ConfigError, FetchError, NotFound, PluginError, Unreachable
from launchkit.model import (
    AgentCapacity,
    AgentOrders,
    AgentStatus,
    ArchiveSource,
    Claim,
    GitSource,
    ItemReport,
)
from launchkit.plugins import Plugins


@dataclass
class Shelf(QueueBackend):
    """A queue that holds nothing but archives, as files of a directory."""

    kind = "shelf"
    directory: Path
    outages: int = 0
    served: list[str] = field(default_factory=list)

    async def archive(self, digest: str) -> AsyncIterator[bytes]:
        self.served.append(digest)
        if self.outages:
            self.outages -= 1
            raise Unreachable("the queue is away")
        path = self.directory / digest
        if not path.exists():
            raise NotFound(f"no archive {digest}")
        data = path.read_bytes()
        for start in range(0, len(data), 100):
            yield data[start : start + 100]
            await anyio.lowlevel.checkpoint()

    async def claim(self, queue: str, room: AgentCapacity) -> Claim | None:
        return None

    async def report(self, claim: Claim, report: ItemReport) -> None: ...

    async def append_log(self, claim: Claim, offset: int, data: bytes) -> None: ...

    async def beat(self, status: AgentStatus, held: Collection[Claim], wait: float) -> AgentOrders:
        return AgentOrders()


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    (tmp_path / "shelf").mkdir()
    return Shelf(tmp_path / "shelf")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "archives"


def put(shelf: Shelf, name: str = "project", text: str = "print('hello')\n") -> ArchiveSource:
    root = shelf.directory.parent / name
    root.mkdir()
    (root / "train.py").write_text(text)
    source = pack(root, shelf.directory / "new")
    (shelf.directory / "new").rename(shelf.directory / source.digest)
    return source


@pytest.fixture
async def start(shelf: Shelf, tmp_path: Path) -> AsyncIterator[Callable]:
    """Start a fetcher at a site whose queue is the shelf."""
    async with AsyncExitStack() as stack, anyio.create_task_group() as tasks:

        async def start(fetcher: ArchiveFetcher, backend: QueueBackend | None = shelf):
            dirs = {"state_dir": tmp_path / "state", "cache_dir": tmp_path / "cache"}
            site = Site(agent="a", name="here", tasks=tasks, backend=backend, **dirs)
            await fetcher.start(stack, site)
            return fetcher

        yield start


async def test_code_is_fetched_once_and_then_comes_from_the_cache(shelf, start, tmp_path) -> None:
    source = put(shelf)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        await (await start(ArchiveFetcher())).fetch(source, tmp_path / name)
        assert (tmp_path / name / "train.py").read_text() == "print('hello')\n"
    assert shelf.served == [source.digest]


async def test_concurrent_fetches_of_one_digest_share_a_download(shelf, start, tmp_path) -> None:
    source = put(shelf)
    fetcher = await start(ArchiveFetcher())
    async with anyio.create_task_group() as tasks:
        for number in range(5):
            (tmp_path / str(number)).mkdir()
            tasks.start_soon(fetcher.fetch, source, tmp_path / str(number))
    assert all((tmp_path / str(number) / "train.py").exists() for number in range(5))
    assert len(shelf.served) == 1


async def test_two_agents_that_fetch_at_once_do_not_disturb_each_other(
    shelf, start, tmp_path, cache
) -> None:
    source = put(shelf, text="x" * 100_000)
    async with anyio.create_task_group() as tasks:
        for number in range(4):
            (tmp_path / str(number)).mkdir()
            fetcher = await start(ArchiveFetcher())
            tasks.start_soon(fetcher.fetch, source, tmp_path / str(number))
    assert all((tmp_path / str(number) / "train.py").exists() for number in range(4))
    assert [path.name for path in cache.iterdir()] == [f"{source.digest}.tar.gz"]


async def test_a_fetch_that_is_stopped_while_it_unpacks_does_not_wait_for_the_end(
    start, into, cache
) -> None:
    fetcher, ended, half = await start(ArchiveFetcher()), anyio.Event(), 1 << 18
    source = ArchiveSource(digest="0" * 64, size=1, name="code")
    packed = gzip.compress(os.urandom(4 * half))
    pipe = cache / f"{source.digest}.tar.gz"
    os.mkfifo(pipe)

    async def fetch() -> None:
        try:
            await fetcher.fetch(source, into)
        finally:
            ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(fetch)
        with await run_sync(pipe.open, "wb", 0) as file:
            await run_sync(file.write, packed[:half])
            tasks.cancel_scope.cancel()
            with anyio.fail_after(PATIENCE, shield=True):
                with suppress(BrokenPipeError):
                    await run_sync(file.write, packed[half : 2 * half])
                await ended.wait()


async def test_a_damaged_copy_in_the_cache_is_fetched_again(shelf, start, into, cache) -> None:
    source = put(shelf)
    fetcher = await start(ArchiveFetcher())
    (cache / f"{source.digest}.tar.gz").write_bytes(b"\x1f\x8bdamaged")
    await fetcher.fetch(source, into)
    assert (into / "train.py").exists()


async def test_damage_in_the_storage_itself_fails_after_one_more_try(shelf, start, into) -> None:
    source = put(shelf)
    (shelf.directory / source.digest).write_bytes(b"damaged")
    with pytest.raises(FetchError, match="is damaged"):
        await (await start(ArchiveFetcher())).fetch(source, into)
    assert len(shelf.served) == 2


async def test_a_queue_that_is_away_for_a_moment_is_asked_again(shelf, start, into) -> None:
    source = put(shelf)
    shelf.outages = 1
    await (await start(ArchiveFetcher())).fetch(source, into)
    assert (into / "train.py").exists()


async def test_code_that_is_not_stored_any_more_is_told_as_that(start, into, cache) -> None:
    source = ArchiveSource(digest="a" * 64, size=1, name="project")
    with pytest.raises(FetchError, match="no longer in the queue's storage"):
        await (await start(ArchiveFetcher())).fetch(source, into)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    "source",
    [ArchiveSource(digest="../../etc/passwd", size=1, name="x"), GitSource(remote="https://h/r")],
)
async def test_what_is_no_archive_is_refused(source, start, into) -> None:
    with pytest.raises(FetchError, match="not the source of packed code"):
        await (await start(ArchiveFetcher())).fetch(source, into)


async def test_a_cache_that_cannot_be_written_is_told(shelf, start, into, cache) -> None:
    source = put(shelf)
    fetcher = await start(ArchiveFetcher())
    cache.rmdir()
    cache.write_text("in the way")
    with pytest.raises(FetchError, match=r"cannot keep code in .*archives: Not a directory"):
        await fetcher.fetch(source, into)


async def test_the_cache_keeps_what_was_used_last(shelf, start, tmp_path, cache) -> None:
    sources = [put(shelf, name, name) for name in ("a", "b", "c")]
    fetcher = await start(ArchiveFetcher(cache_bytes=sources[0].size * 2 + 20))
    for number, index in enumerate((0, 1, 0, 2)):
        (tmp_path / f"out{number}").mkdir()
        await fetcher.fetch(sources[index], tmp_path / f"out{number}")
        os.utime(cache / f"{sources[index].digest}.tar.gz", (number, number))
    kept = {path.name.partition(".")[0] for path in cache.iterdir()}
    assert kept == {sources[0].digest, sources[2].digest}


def test_downloads_under_way_are_kept_and_abandoned_ones_are_not(tmp_path: Path) -> None:
    for name in ("fresh.part", "old.part"):
        (tmp_path / name).write_text("data")
    os.utime(tmp_path / "old.part", (1, 1))
    prune(tmp_path, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["fresh.part"]


async def test_a_fetcher_without_a_queue_cannot_start(start) -> None:
    with pytest.raises(PluginError, match="needs a queue backend"):
        await start(ArchiveFetcher(), None)


def test_the_fetcher_is_a_built_in_plugin_with_checked_settings() -> None:
    assert Plugins(entry_points=False).get(Fetcher, "archive") is ArchiveFetcher
    assert decode(ArchiveFetcher, {"cache_bytes": 1}).cache_bytes == 1
    for bad in ({"cache_bytes": -1}, {"cache": 1}, {"_cache": "x"}):
        with pytest.raises(ConfigError):
            decode(ArchiveFetcher, bad)
