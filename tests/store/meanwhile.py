"""Two transactions at the same time on PostgreSQL, the one in the midst of the other."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

import anyio
import anyio.lowlevel
import asyncpg

from launchkit.errors import LaunchkitError
from launchkit.store.database import Body, Database, Row, Tx
from launchkit.store.queue_masks import written

STATEMENTS = range(1, 9)
"""Of a body that is interrupted after each of them in turn: as many as most have."""
WAITING = "select exists (select from pg_stat_activity where wait_event_type = 'Lock')"


class Ends(NamedTuple):
    """What two bodies gave: their results, or why they refused."""

    first: Any
    second: Any


class Interrupted(Tx):
    """A transaction in which something happens once so many statements have been run."""

    def __init__(self, tx: Tx, after: int, happens: Callable[[], Awaitable[object]]) -> None:
        super().__init__(tx.now)
        self.topics = tx.topics
        self._tx = tx
        self._left = after
        self._happens = happens

    async def all(self, statement: str, /, **values: object) -> Sequence[Row]:
        rows = await self._tx.all(statement, **values)
        self._left -= 1
        if self._left == 0:
            await self._happens()
        return rows


async def meanwhile(
    database: Database, url: str, first: Body[Any], after: int, second: Body[Any]
) -> Ends:
    """Run *first*, and *second* as soon as *first* has run so many statements: *first* goes on once
    *second* has ended, or waits for a lock.
    """
    reached, ended = anyio.Event(), anyio.Event()
    watch = await asyncpg.connect(url)

    async def until_the_other_has_ended_or_waits() -> None:
        reached.set()
        while not (ended.is_set() or await watch.fetchval(WAITING)):
            await anyio.lowlevel.checkpoint()

    async def interrupted(tx: Tx) -> object:
        given: object = await first(Interrupted(tx, after, until_the_other_has_ended_or_waits))
        return given

    ends: dict[str, Any] = {}

    async def run_second() -> None:
        await reached.wait()
        ends["second"] = await _end_of(database, second)
        ended.set()

    try:
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(run_second)
                ends["first"] = await _end_of(database, interrupted)
                reached.set()  # also if it has ended before
    finally:
        await watch.close()
    return Ends(**ends)


async def _end_of(database: Database, body: Body[Any]) -> object:
    try:
        result: object = await written(database, body)
    except LaunchkitError as exc:
        return exc
    return result
