"""PostgreSQL: many writers at once, lost connections, upgrades, and moving in from SQLite."""

import random
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import anyio
import anyio.lowlevel
import asyncpg
import pytest
from postgres import Postgres, served
from store.conftest import Clock, Store
from waiting import PATIENCE, until

from launchkit.abc import Selection
from launchkit.addresses import masked
from launchkit.errors import ConfigError, Conflict, QueueError, Unreachable
from launchkit.model import ItemState
from launchkit.store import launches, logs, queues
from launchkit.store.announcer import Announcer
from launchkit.store.connecting import migrate
from launchkit.store.copy import TABLES, freeze, move
from launchkit.store.database import migrations
from launchkit.store.opening import database_of
from launchkit.store.postgres import positional
from launchkit.store.sqlite import SqliteDatabase


@pytest.fixture
def url(postgres_url: str) -> str:
    """These tests are about PostgreSQL only."""
    return postgres_url


@pytest.fixture
def own_server() -> Iterator[Postgres]:
    """A server that the test may stop."""
    with served() as server:
        yield server


async def names(store: Store) -> Counter[str]:
    views = await store.database.read(launches.List("e", Selection(limit=10_000)))
    return Counter(view.item.name for view in views)


async def test_claimers_at_once_get_each_item_once(store: Store) -> None:
    await store.queue()
    for number in range(60):
        await store.launch(str(number))
    got: list[str] = []

    async def claim_all() -> None:
        while (claim := await store.claim()) is not None:
            got.append(claim.item.name)

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(claim_all)
    assert Counter(got) == Counter(map(str, range(60)))


async def test_claimers_at_once_keep_to_the_limit(store: Store) -> None:
    await store.queue(max_concurrent=3)
    for number in range(12):
        await store.launch(str(number))
    got: list[object] = []

    async def claim() -> None:
        got.append(await store.claim())

    async with anyio.create_task_group() as tasks:
        for _ in range(12):
            tasks.start_soon(claim)
    assert sum(claim is not None for claim in got) == 3


async def test_launches_at_once_with_one_key_are_one_item(store: Store) -> None:
    await store.queue()
    ids: set[str] = set()

    async def launch() -> None:
        ids.add((await store.launch(key="k")).id)

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(launch)
    assert len(ids) == 1


async def test_connections_cut_at_any_moment_lose_and_double_nothing(
    store: Store, postgres: Postgres
) -> None:
    await store.queue()
    chance = random.Random(20)
    killer = await asyncpg.connect(postgres.url)

    async def cut() -> None:
        await anyio.sleep(chance.uniform(0, 0.01))  # a random moment, not a condition
        await killer.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where pid <> pg_backend_pid() and backend_type = 'client backend'"
        )

    for number in range(40):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(cut)
            await store.launch(str(number))
    await killer.close()
    assert await names(store) == Counter(map(str, range(40)))


async def test_a_restart_of_the_server_is_only_a_delay(own_server: Postgres) -> None:
    await migrate(own_server.url)
    database = database_of(own_server.url)
    async with database.opened():
        store = Store(database, Clock())
        await store.queue()
        with database.topics.subscribed("queue:1") as news:
            async with anyio.create_task_group() as tasks:
                await anyio.to_thread.run_sync(own_server.stop)
                tasks.start_soon(store.launch, "during")
                await anyio.to_thread.run_sync(own_server.start)
            assert await news.wait(PATIENCE)
        await store.launch("after")
        assert set(await names(store)) == {"during", "after"}


async def test_that_nothing_is_announced_while_the_server_is_away_is_told_once_for_each_cause(
    own_server: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "launchkit.store")
    await migrate(own_server.url)
    database = database_of(own_server.url)

    def told() -> list[tuple[str, str]]:
        records = [one for one in caplog.records if "announcements" in one.getMessage()]
        return [(one.levelname, one.getMessage()) for one in records]

    async with database.opened():
        with database.topics.subscribed("queue:1") as news:
            await news.wait(PATIENCE)  # it listens
            await anyio.to_thread.run_sync(own_server.stop)
            await until(lambda: [level for level, _ in told()].count("DEBUG") > 1)
            warnings = [text for level, text in told() if level == "WARNING"]
            await anyio.to_thread.run_sync(own_server.start)
            assert await news.wait(PATIENCE)
    assert sorted(warnings) == sorted({*warnings})
    assert told()[-1][0] == "INFO"


async def test_a_launch_wakes_a_waiter_on_another_connection(store: Store, url: str) -> None:
    await store.queue()
    other = database_of(url)
    queue = (await store.database.read(queues.Get("e", "q"))).queue
    async with other.opened():
        with other.topics.subscribed(f"queue:{queue.id}") as news:
            assert await news.wait(PATIENCE)  # the first listening rings everything
            await store.launch()
            assert await news.wait(PATIENCE)


async def test_upgrades_at_once_are_one(postgres: Postgres) -> None:
    connection = await asyncpg.connect(postgres.url)
    await connection.execute("create schema at_once")
    await connection.close()
    url = f"{postgres.url}?search_path=at_once"
    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(migrate, url)
    assert await migrate(url) == len(migrations("postgres"))


@pytest.mark.parametrize(
    ("version", "says"), [(999, "made by a newer launchkit"), (0, "launchkit store migrate")]
)
async def test_another_schema_is_refused_with_advice(url: str, version: int, says: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("update schema_version set version = $1", version)
    await connection.close()
    with pytest.raises(ConfigError) as error:
        async with database_of(url).opened():
            pass
    assert says in f"{error.value} {error.value.hint}"


async def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    with pytest.raises(Unreachable) as error:
        async with database_of("postgresql://me:secret@127.0.0.1:1/x").opened():
            pass
    assert "127.0.0.1:1" in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("port", ["99999", "-1", "port"])
async def test_a_port_that_is_none_is_refused_without_the_password(port: str) -> None:
    with pytest.raises(ConfigError, match="is no URL of one") as error:
        async with database_of(f"postgresql://me:secret@127.0.0.1:{port}/x").opened():
            pass
    assert "a port is a number" in str(error.value.hint)
    assert "secret" not in str(error.value)


def test_values_are_numbered_in_their_order() -> None:
    found = positional("select :b, :a::text, :b")
    assert (found.sql, found.names) == ("select $1, $2::text, $1", ("b", "a"))


def test_a_password_is_not_shown() -> None:
    assert masked("postgresql://me:pw@h/db") == "postgresql://me@h/db"
    assert masked("postgresql://me@h/db") == "postgresql://me@h/db"


async def filled(path: Path) -> Store:
    store = Store(SqliteDatabase(path, clock=Clock()), Clock())
    async with store.database.opened():
        await store.queue(prioritization=True)
        for number in range(5):
            await store.launch(str(number))
        claim = await store.claimed()
        await store.report(claim, ItemState.RUNNING, ref="ref-1")
        await store.write(logs.Append(claim, 0, b"hello\xff"))
    return store


async def test_a_queue_moves_with_everything_and_goes_on_there(
    tmp_path: Path, url: str, clock: Clock
) -> None:
    path = tmp_path / "x.db"
    await filled(path)
    counts = await move(path, url)
    assert (counts["queue"], counts["item"], counts["log"]) == (1, 5, 1)
    database = database_of(url, clock)
    async with database.opened():
        store = Store(database, clock)
        page = await database.read(logs.Read("e", "0", None, 0))
        assert page.data == b"hello\xff"
        assert [(await store.claimed()).item.name for _ in range(4)] == list("1234")
        clock.now += 100
        assert (await store.claimed("b")).item.ref in {"ref-1", None}
        await store.launch("new")
        assert set(await names(store)) == {*"01234", "new"}


async def test_the_file_left_behind_refuses_writes_and_names_the_new_place(
    tmp_path: Path, url: str
) -> None:
    path = tmp_path / "x.db"
    old = await filled(path)
    await move(path, url)
    async with old.database.opened():
        with pytest.raises(QueueError, match="has moved to postgresql://"):
            await old.launch("lost")
        assert len(await names(old)) == 5


async def test_a_text_of_before_that_is_none_for_postgresql_moves_all_the_same(
    tmp_path: Path, url: str
) -> None:
    path = tmp_path / "x.db"
    await filled(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("update item set author = 'a' || char(0) || 'b'")
    await move(path, url)
    database = database_of(url)
    async with database.opened():
        views = await database.read(launches.List("e", Selection()))
        assert {view.item.author for view in views} == {"a\ufffdb"}


async def test_a_move_that_was_cut_short_is_repeated_and_doubles_nothing(
    tmp_path: Path, url: str
) -> None:
    path = tmp_path / "x.db"
    await filled(path)
    freeze(path, masked(url))
    first = await move(path, url)
    assert first == await move(path, url)
    assert first["item"] == 5


async def test_a_move_to_a_place_that_is_not_empty_or_to_a_second_one_is_refused(
    tmp_path: Path, store: Store, url: str
) -> None:
    path = tmp_path / "x.db"
    old = await filled(path)
    await store.queue("theirs")
    with pytest.raises(Conflict, match="is not empty"):
        await move(path, url)
    async with old.database.opened():
        await old.launch("not frozen")
    freeze(path, "elsewhere")
    with pytest.raises(Conflict, match="moved to elsewhere already"):
        freeze(path, masked(url))


def test_all_tables_but_locks_are_moved(tmp_path: Path) -> None:
    from launchkit.store.sqlite_file import connect, prepare

    prepare(tmp_path / "x.db")
    with closing(connect(tmp_path / "x.db")) as connection:
        rows = connection.execute(
            "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
        ).fetchall()
    assert {row[0] for row in rows} == {*TABLES, "lock"}


async def test_what_is_being_announced_is_announced_when_the_database_is_closed() -> None:
    sent: list[str] = []
    begun = anyio.Event()

    async def send(topics: Sequence[str]) -> None:
        begun.set()
        await anyio.lowlevel.checkpoint()
        sent.extend(topics)

    announcer = Announcer(send)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(announcer.work)
        announcer.tell(["queue:1"])
        await begun.wait()
        tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await announcer.flush()
            assert sent == ["queue:1"]
