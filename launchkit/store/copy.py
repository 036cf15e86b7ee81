"""Move a live queue from a SQLite file to PostgreSQL, losing and doubling nothing.

The file is frozen first: from then on each write to it is refused and names the new place. Then all
rows are copied in one transaction. A move that is cut short is simply repeated.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio

from launchkit.addresses import masked_url
from launchkit.errors import Conflict
from launchkit.store.connecting import connected, schema_version
from launchkit.store.fair_file_lock import FairFileLock
from launchkit.store.sqlite_file import attach, connect, prepare

TABLES: Mapping[str, str | None] = {
    "queue": "id",
    "item": "seq",
    "event": "id",
    "log": None,
    "outputs": None,
    "requeue": None,
    "job_version": None,
    "job_alias": None,
    "archive": None,
    "archive_chunk": None,
    "agent": None,
    "principal": None,
    "identity": None,
    "role_grant": None,
    "token": None,
    "audit": "id",
    "founding": None,
    "webhook": None,
    "webhook_delivery": None,
}
"""What is copied, referenced tables first, each with the column that numbers its rows, if any.

Locks stay behind: they last seconds, and who holds one may go on renewing it in the file.
"""
BATCH = 500
_USED = "select exists (select from queue) or exists (select from principal)"


async def move(source: Path, target: str) -> Mapping[str, int]:
    """Copy all but the locks in *source* to the empty database *target*; *source* refuses writes
    from then on. Gives how many rows each table had.

    :raises Conflict: if *target* is not empty, or *source* has moved elsewhere.
    :raises Unreachable: if either cannot be reached; nothing is lost then, and it may be repeated.
    """
    await anyio.to_thread.run_sync(prepare, source)
    shown = masked_url(target)
    async with connected(target) as connection:
        if not await schema_version(connection):
            raise Conflict(
                f"{shown} has no tables of launchkit's", hint="make them: launchkit store migrate"
            )
        done = await connection.fetchval("select source from moved_from")
        if done is None and await connection.fetchval(_USED):
            raise Conflict(f"{shown} is not empty", hint="move into a new, empty database")
        identity = await anyio.to_thread.run_sync(freeze, source, shown)
        if done not in {None, identity}:
            raise Conflict(f"{shown} holds another queue, moved from elsewhere")
        if done is None:
            async with connection.transaction():
                await connection.execute("insert into moved_from values ($1)", identity)
                for table, number in TABLES.items():
                    await _copy(connection, source, table, number)
        return {
            table: await connection.fetchval(f'select count(*) from "{table}"')  # noqa: S608
            for table in TABLES
        }


def freeze(source: Path, target: str) -> str:
    """Refuse all further writes to the file; gives a word that stands for this move.

    :raises Conflict: if it has moved to another place.
    """
    with (
        closing(FairFileLock(source)) as lock,
        lock.turn(),
        closing(attach(source)) as connection,
    ):
        connection.execute("begin immediate")
        connection.execute("create table if not exists moved (target text, identity text)")
        row = connection.execute("select target, identity from moved").fetchone()
        if row is None:
            row = (target, f"{source}:{source.stat().st_ino}")
            connection.execute("insert into moved values (?, ?)", row)
            for trigger in _triggers(target):
                connection.execute(trigger)
        connection.execute("commit")
        if row[0] != target:
            raise Conflict(f"{source} has moved to {row[0]} already")
        return str(row[1])


def _triggers(target: str) -> Iterator[str]:
    message = f"this queue has moved to {target}".replace("'", "''")
    for table in TABLES:
        for verb in ("insert", "update", "delete"):
            yield (
                f'create trigger moved_{table}_{verb} before {verb} on "{table}"'
                f" begin select raise(abort, '{message}'); end"
            )


async def _copy(connection: Any, source: Path, table: str, number: str | None) -> None:
    with closing(connect(source, make=False)) as reader:
        rows = reader.execute(f'select * from "{table}"')  # noqa: S608 - a name of ours
        columns = [column[0] for column in rows.description]
        while batch := await anyio.to_thread.run_sync(_next_rows, rows):
            await connection.copy_records_to_table(table, records=batch, columns=columns)
    if number is not None:
        await connection.execute(
            f"select setval(pg_get_serial_sequence('{table}', '{number}'),"  # noqa: S608
            f' (select coalesce(max("{number}"), 0) + 1 from "{table}"), false)'
        )


def _next_rows(rows: sqlite3.Cursor) -> list[tuple[object, ...]]:
    return [tuple(map(_storable, row)) for row in rows.fetchmany(BATCH)]


def _storable(value: object) -> object:
    """A value as PostgreSQL takes it: no text of its has a NUL, which a file of before may have."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
