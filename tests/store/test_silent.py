"""PostgreSQL that is silent, or says that it cannot now: nobody waits for ever."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import asyncpg
import pytest
from postgres import Postgres, served
from store.conftest import Clock, Store
from waiting import PATIENCE, until

from launchkit.abc import Selection
from launchkit.errors import QueueError, Unreachable
from launchkit.store import launches
from launchkit.store.asyncpg_driver import KEEPALIVE, own_fault, passes
from launchkit.store.connecting import connected, migrate
from launchkit.store.database import Tx
from launchkit.store.opening import database_of
from launchkit.store.postgres import PostgresDatabase
from launchkit.testing.relay import Relay, relay

SECONDS = 2.0
"""How long a statement may take: enough for one that is answered, also on a busy machine."""


@pytest.fixture
def url(postgres_url: str) -> str:
    """These tests are about PostgreSQL only."""
    return postgres_url


@pytest.fixture
def own_server() -> Iterator[Postgres]:
    """A server that the test may reconfigure."""
    with served() as server:
        yield server


@pytest.fixture
async def way(url: str, postgres: Postgres) -> AsyncIterator[Relay]:
    """A way to the server that may fall silent."""
    async with relay(f"127.0.0.1:{postgres.port}") as way:
        yield way


def through(way: Relay, url: str) -> str:
    host = url.partition("@")[2].partition("/")[0]
    return url.replace(host, way.host)


@asynccontextmanager
async def opened(url: str, **settings: float) -> AsyncIterator[Store]:
    database = database_of(url, Clock(), **settings)  # type: ignore[arg-type]
    async with database.opened():
        yield Store(database, Clock())


async def count(store: Store) -> int:
    return len(await store.database.read(launches.List("e", Selection(limit=100))))


async def test_a_statement_that_gets_no_answer_is_asked_again_and_done_once(
    way: Relay, url: str, store: Store
) -> None:
    await store.queue()
    async with opened(through(way, url), seconds=SECONDS, patience=PATIENCE) as other:
        await count(other)
        way.hold()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(other.launch)
            await until(lambda: len(way.held) > 3)
            way.open()
    assert await count(store) == 1


async def test_a_silent_server_is_told_of_when_patience_ends(
    way: Relay, url: str, store: Store
) -> None:
    await store.queue()
    async with opened(through(way, url), seconds=SECONDS, patience=SECONDS) as other:
        way.hold()
        with pytest.raises(Unreachable, match="cannot be reached: no answer in time"):
            await other.launch()
        with pytest.raises(Unreachable, match="cannot be reached"):
            await count(other)
        way.open()


async def test_one_who_fell_silent_in_a_transaction_keeps_nobody_waiting(
    way: Relay, url: str, store: Store
) -> None:
    await store.queue()
    item = await store.launch()
    async with opened(through(way, url), seconds=SECONDS) as silent:
        assert isinstance(silent.database, PostgresDatabase)
        async with silent.database._connection() as connection:
            await connection.execute("begin")
            await connection.fetch("select * from item where id = $1 for update", item.id)
            way.hold()
            alone = connection._con
            with anyio.fail_after(PATIENCE):
                while await store.claim() is None:  # noqa: ASYNC110
                    await anyio.sleep(0.05)
            way.open()
            await until(alone.is_closed)


@pytest.mark.parametrize("moment", ["beginning", "middle", "end"])
@pytest.mark.parametrize("kind", ["read", "write"])
async def test_a_transaction_that_is_cancelled_is_given_up_without_a_word_of_the_driver(
    way: Relay, url: str, store: Store, kind: str, moment: str
) -> None:
    await store.queue()
    said: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, of: said.append(of["message"]))

    async def body(tx: Tx) -> None:
        if moment == "middle":
            hold()
        await tx.row("queue_named", entity="e", name="q")
        if moment == "end":
            hold()

    def hold() -> None:
        way.held.clear()
        way.hold()

    async with opened(through(way, url), seconds=SECONDS) as other:
        await count(other)
        act = other.database.read if kind == "read" else other.database.write
        if moment == "beginning":
            hold()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(act, body)
            await until(lambda: way._hold is not None and way.held)
            tasks.cancel_scope.cancel()
            way.open()
        assert await count(other) == 0
    assert said == []


async def test_connections_give_signs_of_life(url: str) -> None:
    async with connected(url) as connection:
        used: socket.socket = connection._transport.get_extra_info("socket")
        assert used.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        for name in KEEPALIVE.keys() - {"SO_KEEPALIVE"}:
            option = getattr(socket, name)
            assert used.getsockopt(socket.IPPROTO_TCP, option) == KEEPALIVE[name]


async def test_a_listener_that_hears_nothing_any_more_listens_anew(
    way: Relay, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit.store.listener.CHECK_SECONDS", 0.1)
    monkeypatch.setattr("launchkit.store.listener.ECHO_SECONDS", 0.3)
    database = database_of(url, Clock(), direct=through(way, url))
    assert isinstance(database, PostgresDatabase)
    async with database.opened():
        await database.listener.heard.wait()
        way.hold()
        await until(lambda: len(way.held) > 1)
        way.open()
        database.listener.heard = anyio.Event()
        with anyio.fail_after(PATIENCE):
            await database.listener.heard.wait()


async def test_a_server_that_only_reads_is_waited_for(own_server: Postgres) -> None:
    await migrate(own_server.url)
    log = Path(own_server._folder, "log")
    async with opened(own_server.url) as store, opened(own_server.url, patience=0) as hasty:
        await store.queue()
        await _set(own_server, "default_transaction_read_only", "on")
        with pytest.raises(Unreachable, match="read-only") as error:
            await hasty.launch("refused")
        assert "primary" in str(error.value.hint)
        said = log.read_text().count("in a read-only transaction")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.launch)
            await until(lambda: log.read_text().count("in a read-only transaction") > said)
            await _set(own_server, "default_transaction_read_only", "off")
        assert await count(store) == 1


async def _set(server: Postgres, name: str, value: str) -> None:
    connection = await asyncpg.connect(server.url)
    applied = "select setting from pg_file_settings where name = $1 and applied"
    try:
        await connection.execute("set default_transaction_read_only = off")
        await connection.execute(f"alter system set {name} = '{value}'")
        await connection.execute("select pg_reload_conf()")
        with anyio.fail_after(PATIENCE):
            while await connection.fetchval(applied, name) != value:  # noqa: ASYNC110
                await anyio.sleep(0.01)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "state", ["53100", "57014", "25006", "57P03", "40P01", "55P03", "58030", "25P03", "08006"]
)
def test_what_may_be_over_soon_is_told_by_its_sqlstate(state: str) -> None:
    error = asyncpg.PostgresError.new({"C": state, "M": "?"})
    assert passes(error)
    assert not own_fault(error)


@pytest.mark.parametrize("state", ["22021", "23502", "54000"])
def test_what_was_given_wrongly_is_told_by_its_sqlstate(state: str) -> None:
    error = asyncpg.PostgresError.new({"C": state, "M": "?"})
    assert own_fault(error)
    assert not passes(error)


async def test_a_text_that_no_database_takes_is_refused_at_once(store: Store) -> None:
    await store.queue()
    with pytest.raises(QueueError) as error:
        await store.launch("nul\0")
    assert not isinstance(error.value, Unreachable)
