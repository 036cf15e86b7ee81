"""Claims a second: through the store, and the bare statement through the bare driver."""

import sys
import time
from collections.abc import Iterator
from contextlib import closing

import anyio
import asyncpg
from store.conftest import spec

from benchmarks.places import Kind, database, python
from benchmarks.report import Figure
from launchkit.abc import LaunchRequest
from launchkit.model import AgentCapacity, ItemReport, ItemState, QueueSpec
from launchkit.store import claims, queues, submitting
from launchkit.store.connecting import connected
from launchkit.store.database import Database, Tx
from launchkit.store.opening import database_of
from launchkit.store.sqlite_file import connect, file_of

ROOM = AgentCapacity(agent="a", site="s", resources=frozenset({"local-process"}))
DONE = ItemReport(state=ItemState.FINISHED)
SECONDS = 2.0
DEPTH = 60_000
COPIES = """
with recursive n (i) as (select 2 union all select i + 1 from n where i < {number})
insert into item (id, run_id, queue_id, entity, name, priority, author, spec, state, attempt, token,
                  request_digest, created_at, updated_at)
select 'i' || i, 'r' || i, queue_id, entity, name, priority, author, spec, state, attempt, token,
       request_digest, created_at, updated_at
from n, item where item.seq = 1"""
RAW_SQLITE = """
update item set state = 'claimed', token = token + 1, lease_until = {until}, agent = 'a'
where seq = (select seq from item where queue_id = 1 and state = 'queued'
             order by priority, seq limit 1) returning *"""
RAW_POSTGRES = """
update item set state = 'claimed', token = token + 1, lease_until = {until}, agent = 'a'
where seq = (select seq from item where queue_id = 1 and state = 'queued'
             order by priority, seq limit 1 for update skip locked) returning *"""


async def filled(url: str, number: int = DEPTH) -> None:
    """Make queue `q` with so many items: copies of one real launch."""
    store = database_of(url)
    async with store.opened():
        made = QueueSpec(name="q", resource="local-process")
        await store.write(queues.Create("e", made, "ann"))
        await store.write(submitting.Launch("e", "q", LaunchRequest(spec=spec(), actor="ann")))
    if url.startswith("sqlite"):
        with closing(connect(file_of(url))) as connection:
            connection.execute(COPIES.format(number=number))
    else:
        async with connected(url) as connection:
            await connection.execute(COPIES.format(number=number))
            await connection.execute("vacuum analyze")  # as its daemon does in time


async def claim_for(store: Database, claimers: int, seconds: float) -> int:
    """Claim with so many tasks for so long; gives how many items they got."""
    count = 0
    end = anyio.current_time() + seconds

    async def one() -> None:
        nonlocal count
        while anyio.current_time() < end:
            if await store.write(claims.Take("e", "q", ROOM, 3600.0)) is None:
                return
            count += 1

    async with anyio.create_task_group() as tasks:
        for _ in range(claimers):
            tasks.start_soon(one)
    return count


async def measured(url: str, claimers: int) -> float:
    store = database_of(url)
    async with store.opened():
        return await claim_for(store, claimers, SECONDS) / SECONDS


def raw_sqlite(url: str) -> float:
    """The bare statement, one commit each."""
    connection = connect(file_of(url))
    statement = RAW_SQLITE.format(until=time.time() + 3600)
    count, end = 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        connection.execute("begin immediate")
        rows = connection.execute(statement).fetchall()
        connection.execute("commit")
        count += len(rows)
    connection.close()
    return count / SECONDS


async def raw_postgres(url: str, claimers: int) -> float:
    """The bare statement on so many connections."""
    count = 0
    end = anyio.current_time() + SECONDS

    async def one() -> None:
        nonlocal count
        connection = await asyncpg.connect(url)
        statement = await connection.prepare(RAW_POSTGRES.format(until=time.time() + 3600))
        while anyio.current_time() < end:
            rows = await statement.fetch()
            count += len(rows)
        await connection.close()

    async with anyio.create_task_group() as tasks:
        for _ in range(claimers):
            tasks.start_soon(one)
    return count / SECONDS


def raw(kind: Kind, url: str, claimers: int) -> float:
    return raw_sqlite(url) if kind == "sqlite" else anyio.run(raw_postgres, url, claimers)


def in_processes(url: str, number: int) -> list[float]:
    """Claims a second of each of so many processes at once."""
    code = "from benchmarks.claims import main; main()"
    children = [python("-c", code, url) for _ in range(number)]
    return [float(child.communicate()[0]) for child in children]


def main() -> None:
    """What a child process does."""
    print(anyio.run(measured, sys.argv[1], 4))


def claims_a_second() -> Iterator[Figure]:
    """One process with 1, 4 and 16 claimers; four processes with 4 each."""
    kinds: tuple[Kind, ...] = ("sqlite", "postgresql")
    for kind in kinds:
        for claimers in (1, 4, 16):
            with database(kind) as url:
                anyio.run(filled, url)
                bare = raw(kind, url, claimers)
            with database(kind) as url:
                anyio.run(filled, url)
                ours = anyio.run(measured, url, claimers)
            name = f"claims {kind} {claimers} claimers"
            yield Figure(f"{name}, bare statement", bare, "1/s")
            yield Figure(name, ours, "1/s")
            yield Figure(f"{name}, share of bare", ours / bare, "", ">= 0.5")
        with database(kind) as url:
            anyio.run(filled, url)
            each = in_processes(url, 4)
        yield Figure(f"claims {kind} 4 processes of 4", sum(each), "1/s")
        yield Figure(
            f"claims {kind} 4 processes, least share", min(each) / sum(each), "", ">= 0.15"
        )


def depth() -> Iterator[Figure]:
    """How long a claim takes with many items waiting, and after many were drained."""
    for kind in ("sqlite", "postgresql"):
        base = 0.0
        for number in (1_000, 100_000, 1_000_000):
            with database(kind) as url:
                anyio.run(filled, url, number)
                took = anyio.run(claim_times, url, 300)
                base = base or took
                yield Figure(f"claim {kind} of {number:,}", took * 1e3, "ms")
                yield Figure(f"claim {kind} of {number:,}, to 1,000", took / base, "", "<= 2")
        with database(kind) as url:
            anyio.run(filled, url, 61_000)
            anyio.run(drained, url, 60_000)
            took = anyio.run(claim_times, url, 300)
            yield Figure(f"claim {kind} after draining 60,000", took * 1e3, "ms")
            yield Figure(f"claim {kind} after draining, to 1,000", took / base, "", "<= 2")


async def claim_times(url: str, number: int) -> float:
    """The median seconds of a claim."""
    store = database_of(url)
    times = []
    async with store.opened():
        for _ in range(number):
            began = time.perf_counter()
            await store.write(claims.Take("e", "q", ROOM, 3600.0))
            times.append(time.perf_counter() - began)
    return sorted(times)[len(times) // 2]


async def drained(url: str, number: int) -> None:
    """Claim and end so many items, many to a transaction."""
    store = database_of(url)

    async def body(tx: Tx) -> None:
        for _ in range(500):
            claim = await claims.Take("e", "q", ROOM, 3600.0)(tx)
            if claim is not None:
                await claims.Report(claim, DONE)(tx)

    async with store.opened():
        for _ in range(number // 500):
            await store.write(body)
