"""PostgreSQL behind PgBouncer in transaction mode: announcements are lost, and nothing else."""

from collections import Counter
from collections.abc import Iterator
from uuid import uuid4

import anyio
import asyncpg
import pytest
from pgbouncer import pooled
from postgres import Postgres
from store.conftest import Clock, Store
from waiting import PATIENCE, until

from launchkit.store.connecting import migrate
from launchkit.store.postgres import PostgresDatabase

LOST = "announcements do not come through"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("launchkit.store.listener.ECHO_SECONDS", 1.0)
    monkeypatch.setattr("launchkit.store.listener.DEAF_SECONDS", 0.05)


@pytest.fixture(scope="module")
def pooler(postgres: Postgres) -> Iterator[int]:
    with pooled(postgres) as port:
        yield port


@pytest.fixture
async def direct(postgres: Postgres) -> str:
    """A database of its own, without the pooler: that takes no `search_path`."""
    name = f"test_{uuid4().hex}"
    connection = await asyncpg.connect(postgres.url)
    await connection.execute(f"create database {name}")
    await connection.close()
    url = f"{postgres.url.rpartition('/')[0]}/{name}"
    await migrate(url)
    return url


@pytest.fixture
def url(direct: str, postgres: Postgres, pooler: int) -> str:
    return direct.replace(str(postgres.port), str(pooler), 1)


async def heard(waiting: Store, acting: Store) -> None:
    """One hears of a launch through another connection."""
    await acting.queue()
    with waiting.database.topics.subscribed("entity:e") as news:
        await acting.launch("one")
        with anyio.fail_after(PATIENCE):
            await news.wait()


@pytest.mark.reported("N5")
async def test_all_works_and_who_waits_looks_often_which_is_told_once(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    await store.queue()
    for number in range(40):
        await store.launch(str(number))
    got: list[str] = []

    async def claim_all() -> None:
        while (claim := await store.claim()) is not None:
            got.append(claim.item.name)

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(claim_all)
    assert Counter(got) == Counter(map(str, range(40)))
    await until(lambda: LOST in caplog.text)
    with anyio.fail_after(PATIENCE):
        with store.database.topics.subscribed("whatever") as news:
            assert await news.wait(PATIENCE)
    assert caplog.text.count(LOST) == 1


async def test_with_a_direct_url_beside_the_pooled_one_announcements_come_through(
    url: str,
    direct: str,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("launchkit.store.listener.ECHO_SECONDS", PATIENCE)
    first, second = (PostgresDatabase(url, clock=clock, direct=direct) for _ in range(2))
    async with first.opened(), second.opened():
        await until(first.listener.heard.is_set)
        await heard(Store(first, clock), Store(second, clock))
    assert LOST not in caplog.text
