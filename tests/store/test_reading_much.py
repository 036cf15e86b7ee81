"""One who asks much: reading has an end, and is in nobody's way."""

import anyio
import pytest
from store.conftest import Clock
from waiting import PATIENCE

from launchkit.errors import Unreachable
from launchkit.model import QueueSpec
from launchkit.store import agents, postgres, queues, sqlite_worker
from launchkit.store.database import READERS, Tx
from launchkit.store.opening import database_of

SECONDS = 2.0


@pytest.fixture(autouse=True)
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement that never ends."""
    count = "with recursive n (i) as (select 1 union all select i + 1 from n) select max(i) from n"
    monkeypatch.setitem(sqlite_worker._STATEMENTS, "endless", count)  # type: ignore[index]
    sleep = postgres.Statement("select pg_sleep(1000)", ())
    monkeypatch.setitem(postgres._statements(), "endless", sleep)  # type: ignore[arg-type]


async def read_much(tx: Tx) -> None:
    await tx.all("endless")


async def test_what_takes_too_long_to_read_is_ended_with_what_to_do(url: str) -> None:
    database = database_of(url, Clock(), seconds=SECONDS)
    async with database.opened():
        with pytest.raises(Unreachable, match="took longer than 2 seconds") as told:
            await database.read(read_much)
        assert "ask for less" in (told.value.hint or "")
        assert await database.read(agents.List("e")) == []


async def test_those_who_read_much_keep_nobody_from_writing_nor_from_what_is_read_promptly(
    url: str,
) -> None:
    database = database_of(url, Clock(), seconds=PATIENCE)
    async with database.opened(), anyio.create_task_group() as tasks:
        for _ in range(5 * READERS):
            tasks.start_soon(database.read, read_much)
        await anyio.wait_all_tasks_blocked()
        with anyio.fail_after(PATIENCE / 2):
            for name in ("one", "two"):
                spec = QueueSpec(name=name, resource="local-process")
                await database.write(queues.Create("e", spec, "ann"))
                assert await database.read(agents.List("e"), prompt=True) == []
        tasks.cancel_scope.cancel()


async def test_what_nobody_waits_for_any_more_is_read_no_further(url: str) -> None:
    database = database_of(url, Clock(), seconds=PATIENCE)
    async with database.opened():
        for _ in range(2 * READERS):
            with anyio.move_on_after(0.05):
                await database.read(read_much)
        with anyio.fail_after(PATIENCE / 2):
            assert await database.read(agents.List("e")) == []


async def test_one_who_gets_no_turn_to_read_at_a_server_is_told_why(postgres_url: str) -> None:
    database = database_of(postgres_url, Clock(), seconds=SECONDS)
    told = []

    async def ask() -> None:
        with pytest.raises(Unreachable, match="2 seconds") as one:
            await database.read(read_much)
        told.append(str(one.value))

    async with database.opened(), anyio.create_task_group() as tasks:
        for _ in range(3 * READERS):
            tasks.start_soon(ask)
    assert any("others read much" in one for one in told)
