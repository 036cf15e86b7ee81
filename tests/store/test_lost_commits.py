"""PostgreSQL: commits that were not answered, of which some took place and some are lost."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from urllib.parse import urlsplit

import anyio
import asyncpg
import pytest
from postgres import Postgres, served
from store.conftest import Clock, Store
from store.test_silent import through
from waiting import PATIENCE, until

from launchkit.abc import Selection
from launchkit.store import launches
from launchkit.store.asyncpg_driver import lost
from launchkit.store.commit_marks import KEPT_SECONDS
from launchkit.store.connecting import migrate
from launchkit.store.database import Tx
from launchkit.store.opening import database_of
from launchkit.store.postgres import POOL_SIZE, PostgresDatabase
from launchkit.testing.relay import Relay, Way, relay

NAME = "of-the-lost-commit"
LOST = "the connection was lost after a commit"
CLIENT: ContextVar[asyncio.StreamWriter] = ContextVar("CLIENT")
MARKS = "select count(*) from commit_mark"


class WayOfACommit(Relay):
    """A way to a server on which something happens before the commit of the launch `NAME`."""

    def __init__(self, url: str, happens: Callable[[Way], Awaitable[None]]) -> None:
        super().__init__(urlsplit(url).netloc.partition("@")[2])
        self.happened = anyio.Event()
        self._happens = happens

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        CLIENT.set(writer)
        await super().serve(reader, writer)

    async def on_request(self, way: Way, data: bytes) -> None:
        if NAME.encode() in data:
            way.request = NAME
        if way.request == NAME and b"COMMIT" in data and not self.happened.is_set():
            try:
                await self._happens(way)
            finally:
                self.happened.set()
        await super().on_request(way, data)


@pytest.fixture
def url(postgres_url: str) -> str:
    """These tests are about PostgreSQL only."""
    return postgres_url


@pytest.fixture(scope="module")
def own_server() -> Iterator[Postgres]:
    """A server that the tests may kill, and that of itself stores what is committed alone."""
    with served() as server:
        anyio.run(_store_late, server.url)
        yield server


async def _store_late(url: str) -> None:
    async with asked(url) as other:
        await other.execute("alter system set wal_writer_delay = '10s'")
        await other.execute("select pg_reload_conf()")


@asynccontextmanager
async def asked(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection beside launchkit's, as soon as there can be one."""
    with anyio.fail_after(PATIENCE):
        while True:
            try:
                connection = await asyncpg.connect(url)
                break
            except lost():
                await anyio.sleep(0.02)
    yield connection
    await connection.close()


async def names(store: Store) -> list[str]:
    views = await store.database.read(launches.List("e", Selection(limit=100)))
    return [view.item.name for view in views]


@asynccontextmanager
async def opened(url: str, way: Relay) -> AsyncIterator[Store]:
    """A store that has a queue, behind a way."""
    direct, behind = database_of(url, Clock()), database_of(through(way, url), Clock())
    async with direct.opened():
        await Store(direct, Clock()).queue()
    assert isinstance(behind, PostgresDatabase)
    async with behind.opened():
        await until(behind.listener.heard.is_set)  # what it says itself is committed
        yield Store(behind, Clock())


async def kill_the_backend(url: str) -> None:
    async with asked(url) as other:
        found = "select pid from pg_stat_activity where state = 'idle in transaction'"
        os.kill(await other.fetchval(found), signal.SIGKILL)
        await until(other.is_closed)  # the server ends all when one is killed


@pytest.mark.parametrize("others", [0, 6])
async def test_a_commit_that_a_server_lost_is_made_again_whoever_has_its_number_since(
    own_server: Postgres, caplog: pytest.LogCaptureFixture, others: int
) -> None:
    async with asked(own_server.url) as other:
        await other.execute(f"create schema others_{others}")
        await other.execute("create table if not exists public.another (a int)")
    url = f"{own_server.url}?search_path=others_{others}"
    await migrate(url)

    async def happens(_: Way) -> None:
        await kill_the_backend(url)
        way.hold()
        raise ConnectionAbortedError

    async with relay(WayOfACommit(url, happens)) as way, opened(url, way) as store:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.launch, NAME)
            await way.happened.wait()
            async with asked(url) as other:
                for _ in range(others):
                    await other.execute("insert into public.another values (1)")
            way.open()
        assert await names(store) == [NAME]
    assert LOST not in caplog.text


async def test_a_commit_whose_answer_was_lost_is_not_made_again(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def happens(one: Way) -> None:
        one.waits = True
        way.lose_answer(NAME)

    async with relay(WayOfACommit(url, happens)) as way, opened(url, way) as store:
        await store.launch(NAME)
        assert await names(store) == [NAME]
    assert LOST in caplog.text


async def test_a_commit_that_is_still_on_its_way_when_it_is_looked_for_is_not_made_again(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    waits = """select count(*) from pg_stat_activity
        where wait_event_type = 'Lock' and query ~ 'commit_mark'"""

    async def happens(_: Way) -> None:
        CLIENT.get().transport.abort()
        async with asked(url) as other:
            with anyio.fail_after(PATIENCE):
                while not await other.fetchval(waits):  # noqa: ASYNC110
                    await anyio.sleep(0.02)

    async with relay(WayOfACommit(url, happens)) as way, opened(url, way) as store:
        await store.launch(NAME)
        assert await names(store) == [NAME]
    assert LOST in caplog.text


async def test_connections_leave_one_mark_each_which_is_swept_when_they_are_long_gone(
    url: str, clock: Clock
) -> None:
    async with asked(url) as other:
        first, second = database_of(url, clock), database_of(url, clock)
        async with first.opened():
            store = Store(first, clock)
            await store.queue()
            for number in range(2 * POOL_SIZE):
                await store.launch(str(number))
        assert 0 < await other.fetchval(MARKS) <= POOL_SIZE
        clock.now += KEPT_SECONDS + 1
        async with second.opened():
            await Store(second, clock).launch("later")
        assert await other.fetchval(MARKS) == 1


async def test_a_transaction_that_wrote_nothing_leaves_no_mark(store: Store, url: str) -> None:
    async def look(tx: Tx) -> None:
        await tx.one("queue_named", entity="e", name="q")

    await store.database.write(look)
    async with asked(url) as other:
        assert not await other.fetchval(MARKS)
