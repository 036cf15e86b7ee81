"""A hundred thousand launches that have ended cost those who work nothing, and can be removed."""

import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import asyncpg
import pytest
from store.conftest import LEASE, Clock, Store, capacity, spec, status

from launchkit.abc import SORTED, Hold, LaunchRequest, Selection, Stop
from launchkit.model import Claim, ItemReport, ItemState
from launchkit.model.webhooks import Happens
from launchkit.store import (
    agents,
    changes,
    claims,
    deliveries,
    hindrance,
    launches,
    leases,
    locks,
    logs,
    prune,
    queues,
    submitting,
    waits,
    webhooks,
)
from launchkit.store.database import Row, Tx
from launchkit.store.events import settled
from launchkit.store.happened import Happened
from launchkit.store.orders import KEYS
from launchkit.store.postgres import PostgresDatabase, PostgresTx
from launchkit.store.queue_masks import NotLookedThrough
from launchkit.store.sqlite import SqliteDatabase
from launchkit.store.sqlite_worker import SqliteTx, finish
from launchkit.store.webhook_key import WebhookKey

ENDED = 100_000
MOST_STEPS = 300
"""In hundreds of SQLite's virtual machine; a look at each ended launch takes ten times that."""
MOST_STEPS_SORTED = MOST_STEPS + SORTED // 100 * 50
"""Some dozens for each that is sorted."""
MOST_ROWS = 2_000
GENERIC = 7
"""After so many times, PostgreSQL may have one plan for all values."""

ITEMS = """
insert into item (id, run_id, queue_id, entity, name, priority, author, spec, state, attempt, token,
    agent, site, ref, request_digest, created_at, updated_at, started_at, ended_at)
select 'old' || n, 'r' || n, i.queue_id, i.entity, 'run-' || (n % 1000), 2, 'ann', i.spec,
    'finished', 1, 1,
    'a', 'here', 'ref', 'd', n, n, n, n + 1
from numbers cross join item i where i.name = 'pattern'
"""
EVENTS = """
insert into event (queue_id, item_id, at, kind, actor, attempt, state)
select 1, 'old' || n, n, 'state', 'a', 1, 'finished' from numbers
"""
LOGS = """
insert into log (item_id, attempt, "offset", size, data)
select 'old' || n, 1, 0, 1, i.data from numbers cross join (select data from log limit 1) i
"""
SQLITE_NUMBERS = f"""
with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < {ENDED})
"""
POSTGRES_NUMBERS = f"with numbers as (select generate_series(1, {ENDED}) as n)"
Bodies = Mapping[str, Callable[[Tx], Awaitable[Any]]]


def seed(url: str, path: Path) -> Callable[[], Awaitable[None]]:
    """Makes the history."""

    async def on_postgres() -> None:
        connection = await asyncpg.connect(url)
        for table in (ITEMS, EVENTS, LOGS):
            verb, _, rest = table.partition("select")
            await connection.execute(f"{verb} {POSTGRES_NUMBERS} select {rest}")
        await connection.close()

    async def on_sqlite() -> None:
        with closing(sqlite3.connect(path)) as connection:
            for table in (ITEMS, EVENTS, LOGS):
                verb, _, rest = table.partition("select")
                connection.execute(f"{verb} {SQLITE_NUMBERS} select {rest}")
            connection.commit()

    return on_sqlite if url.startswith("sqlite") else on_postgres


async def at_work(store: Store) -> Claim:
    """A queue with a little of everything that goes on."""
    await store.queue()
    await store.launch("pattern")
    claim = await store.claimed()
    await store.report(claim, ItemState.RUNNING, ref="ref")
    await store.write(logs.Append(claim, 0, b"x"))
    for number in range(3):
        await store.launch(f"waits-{number}")
    await store.write(claims.Beat("e", status(), {claim.item.id: claim.token}, LEASE))
    return claim


async def looked_through(store: Store) -> None:
    """Have the queue looked through for secrets, as it is before a transaction with a reason."""

    async def some(tx: Tx) -> Sequence[Row]:
        return await tx.all("queues", entity="e")

    for found in await store.database.read(some):
        await NotLookedThrough("e", found["id"], found["spec"]).looked_through()


async def webhook(store: Store) -> str:
    """The id of a webhook that is told of all that happens."""
    await store.write(
        webhooks.Create(
            entity="e",
            name="chat",
            url="https://chat.example",
            events=[*Happens],
            actor="ann",
            key=WebhookKey(b"key"),
        )
    )
    [duty] = await store.database.read(deliveries.Duties())
    return duty.webhook


def bodies(claim: Claim, last: int, hook: str) -> Bodies:
    """What agents, and those who look on, do all day."""
    item = claim.item.id
    request = LaunchRequest(spec=spec("new"), actor="ann", idempotency_key="k")
    open_ = [ItemState.QUEUED, ItemState.RUNNING]
    return {
        "launch": submitting.Launch("e", "q", request),
        "claim": claims.Take("e", "q", capacity("b"), LEASE),
        "beat": claims.Beat("e", status(), {item: claim.token}, LEASE),
        "look out": claims.LookOut("e", ["q"], capacity(), LEASE),
        "blocked": hindrance.Blocked("e", "q", capacity()),
        "report": claims.Report(claim, ItemReport(state=ItemState.RUNNING, message="goes on")),
        "append": logs.Append(claim, 1, b"y"),
        "log size": logs.Size(claim),
        "log": logs.Read("e", item, None, 0),
        "show": launches.Get("e", item),
        "show by name": launches.Get("e", "waits-1"),
        "list": launches.List("e", Selection(limit=50)),
        "list what is open": launches.List("e", Selection(states=open_, limit=50)),
        "list the line": launches.List(
            "e", Selection(queue="q", states=[ItemState.QUEUED], order="line", limit=50)
        ),
        "events of a launch": launches.Events("e", item, 0),
        "newest events": launches.Newest("e", 0, last),
        "next events": launches.Next("e", 0, last),
        "what happened": Happened(entity="e"),
        "agents": agents.List("e"),
        "leases": leases.Leases("e", 50),
        "register": agents.Register("e", status("c"), "session"),
        "leave": agents.Forget("e", "a", dead=True),
        "stop": changes.Make("e", item, Stop(), "ann"),
        "hold": changes.Make("e", "waits-2", Hold(reason="later"), "ann"),
        "lock": locks.Acquire("image", "a", LEASE),
        "find a queue": queues.Find("e", "q"),
        "change a queue": queues.Update("e", claim.queue.spec, "ann", None, None),
        "is there news for a webhook": deliveries.IsNews(hook, last),
        "messages of a webhook": deliveries.Make(hook, last),
        "waits of all queues": waits.Waits("e", 900_000.0),
        "waits of a queue": waits.Waits("e", 900_000.0, 1),
        "failures": waits.Failed("e", 900_000.0),
        "remove some": prune.Prune(50.0, limit=20),
    }


async def costs_on_sqlite(path: Path, clock: Clock, wanted: Bodies) -> Mapping[str, int]:
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    costs = {}
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        for name, body in wanted.items():
            connection.execute("begin immediate")
            steps = 0
            connection.set_progress_handler(count, 100)
            finish(body(SqliteTx(connection, clock())))
            connection.set_progress_handler(None, 0)
            costs[name] = steps
            connection.execute("rollback")
    return costs


def sorted_lists() -> Bodies:
    """Lists for which a bounded number of launches is looked at."""
    return {order: launches.List("e", Selection(order=order, limit=50)) for order in KEYS}


ROWS_READ = """
select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::int
from pg_stat_xact_user_tables where relname in ('item', 'event', 'log')
  and schemaname = current_schema()
"""


async def costs_on_postgres(url: str, clock: Clock, wanted: Bodies) -> Mapping[str, int]:
    costs = {}
    connection = await asyncpg.connect(url)
    await connection.execute("analyze")  # as the server does by itself
    for name, body in [*wanted.items()] * GENERIC:
        transaction = connection.transaction()
        await transaction.start()
        before = await connection.fetchval(ROWS_READ)
        await body(PostgresTx(connection, clock()))
        costs[name] = await connection.fetchval(ROWS_READ) - before
        await transaction.rollback()
    await connection.close()
    return costs


async def test_what_has_ended_costs_those_who_work_nothing(
    store: Store, url: str, clock: Clock, tmp_path: Path
) -> None:
    path = tmp_path / "launchkit.db"
    claim = await at_work(store)
    hook = await webhook(store)
    await seed(url, path)()
    await looked_through(store)
    wanted = bodies(claim, await settled(store.database), hook)
    if isinstance(store.database, SqliteDatabase):
        costs = await costs_on_sqlite(path, clock, wanted)
        assert {name: cost for name, cost in costs.items() if cost > MOST_STEPS} == {}
        costs = await costs_on_sqlite(path, clock, sorted_lists())
        assert {name: cost for name, cost in costs.items() if cost > MOST_STEPS_SORTED} == {}
        return
    assert isinstance(store.database, PostgresDatabase)
    costs = await costs_on_postgres(url, clock, wanted)
    assert {name: cost for name, cost in costs.items() if cost > MOST_ROWS} == {}
    costs = await costs_on_postgres(url, clock, sorted_lists())
    assert {name: cost for name, cost in costs.items() if cost > SORTED + MOST_ROWS} == {}


async def ended(store: Store, name: str) -> None:
    await store.launch(name)
    claim = await store.claimed()
    await store.write(logs.Append(claim, 0, b"said"))
    await store.report(claim, ItemState.FINISHED)
    store.clock.now += 10


async def names(store: Store) -> list[str | None]:
    views = await store.database.read(launches.List("e", Selection(order="oldest")))
    return [view.item.name for view in views]


@pytest.mark.parametrize(
    ("seconds", "keep", "stay"),
    [
        (35, None, "cdef"),
        (None, 2, "def"),
        (15, 3, "ef"),
        (1000, 3, "cdef"),
        (None, 0, "f"),
        (1000, None, "abcdef"),
        (None, 9, "abcdef"),
    ],
)
async def test_what_ended_long_ago_is_removed_and_what_is_open_stays(
    store: Store, seconds: float | None, keep: int | None, stay: str
) -> None:
    await store.queue()
    for name in "abcde":
        await ended(store, name)
    await store.launch("f")
    before = await store.database.read(prune.Boundary(seconds, keep))
    gone = 6 - len(stay)
    if before is not None:
        assert await store.database.read(prune.Count(before)) == gone
        assert await prune.prune(store.database, before) == gone
    assert await names(store) == [*stay]


async def test_all_that_is_kept_of_a_launch_goes_with_it(
    store: Store, url: str, tmp_path: Path
) -> None:
    await store.queue()
    await ended(store, "a")
    assert await prune.prune(store.database, store.clock.now) == 1
    assert await prune.prune(store.database, store.clock.now) == 0
    counts = [f"select count(*) from {table}" for table in ("item", "log")]
    counts.append("select count(*) from event where item_id is not null")
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(tmp_path / "launchkit.db")) as connection:
            left = [connection.execute(count).fetchone()[0] for count in counts]
    else:
        other = await asyncpg.connect(url)
        left = [await other.fetchval(count) for count in counts]
        await other.close()
    assert left == [0, 0, 0]


async def test_two_may_remove_at_once(store: Store) -> None:
    await store.queue()
    for number in range(30):
        await ended(store, str(number))
    removed: list[int] = []

    async def remove() -> None:
        removed.append(await prune.prune(store.database, store.clock.now))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(remove)
        tasks.start_soon(remove)
    assert sum(removed) == 30
