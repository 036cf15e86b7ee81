"""Events in PostgreSQL that are committed in another order than they are numbered: nobody who
follows them passes over one.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import asyncpg
import pytest
from store.conftest import Store, spec
from waiting import PATIENCE

from launchkit.abc import LaunchRequest
from launchkit.errors import Unreachable
from launchkit.model import Event
from launchkit.store import events, launches, submitting
from launchkit.store.hub import StoreLaunches
from launchkit.store.postgres import PostgresTx


@pytest.fixture
def url(postgres_url: str) -> str:
    """These tests are about PostgreSQL only."""
    return postgres_url


@dataclass(frozen=True)
class Open:
    """A transaction that has begun to write, and ends when the test wants it."""

    connection: "asyncpg.Connection[asyncpg.Record]"
    end: Callable[[], Awaitable[None]]

    async def launch(self) -> None:
        body = submitting.Launch("e", "q", LaunchRequest(spec=spec(), actor="ann"))
        await body(PostgresTx(self.connection, 0.0))  # type: ignore[arg-type]


@asynccontextmanager
async def begun(url: str) -> AsyncIterator[Open]:
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("select pg_current_xact_id()")  # writes come in the order of the ids
    yield Open(connection, transaction.commit)
    await connection.close()


async def followed(store: Store, since: int = 0) -> Sequence[Event]:
    return await StoreLaunches(store.database, "e").changed(None, since, 0.0)


@pytest.mark.parametrize("first", [0, 1], ids=["began first", "began later"])
async def test_who_follows_all_waits_for_what_has_a_lower_number(
    store: Store, url: str, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.queue()
    async with begun(url) as one, begun(url) as two:
        early, late = (one, two) if first == 0 else (two, one)
        await early.launch()
        await late.launch()
        await late.end()
        with monkeypatch.context() as patch:
            patch.setattr(events, "SETTLE_SECONDS", 0.0)
            with pytest.raises(Unreachable, match="has not ended"):
                await followed(store)
        await early.end()
        seen = [event.id for event in await followed(store)]
    assert seen == [2, 3]


async def test_who_waits_for_the_late_one_is_given_both_when_it_has_ended(
    store: Store, url: str
) -> None:
    await store.queue()
    seen: list[int] = []

    async def follow() -> None:
        while len(seen) < 2:
            seen.extend(event.id for event in await followed(store, max(seen, default=0)))

    with anyio.fail_after(PATIENCE):
        async with begun(url) as early, anyio.create_task_group() as tasks:
            await early.launch()
            await store.launch()
            tasks.start_soon(follow)
            await store.database.read(launches.Newest("e", 0, 2**62))
            await early.end()
    assert seen == [2, 3]


async def test_one_that_writes_no_events_is_in_nobodys_way(store: Store, url: str) -> None:
    await store.queue()
    async with begun(url) as other:
        await other.connection.execute("update queue set version = version where name = 'none'")
        await store.launch()
        assert [event.id for event in await followed(store)] == [2]


async def test_one_that_gave_up_its_number_is_not_waited_for(store: Store, url: str) -> None:
    await store.queue()
    async with begun(url) as undone:
        await undone.launch()
    await store.launch()
    assert [event.id for event in await followed(store)] == [3]
