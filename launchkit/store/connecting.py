"""One connection to a PostgreSQL database, its schema, and what to say where there is none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio

from launchkit.addresses import masked_url
from launchkit.errors import ConfigError, Unreachable
from launchkit.store.asyncpg_driver import CLOSE_SECONDS, driver, lost, state_of, watchful
from launchkit.store.database import migrations

CONNECT_SECONDS = 10.0
MIGRATION_LOCK = 7_261_540_219
"""The advisory lock that one upgrade holds against another."""
HINTS = {
    "25006": "the server only reads; after a failover, does the address lead to the primary?",
    "42501": "give the user the right to read and write the tables of launchkit",
    "42P01": "launchkit store migrate makes the tables",
    "53100": "free some disk space on the server; what waits is tried again",
    "57014": "what keeps the server so long? see pg_stat_activity",
}
"""What to do next, by SQLSTATE."""


async def migrate(url: str) -> int:
    """Bring a database to this version's schema, one upgrade at a time; gives its version.

    :raises Unreachable: if it cannot be reached.
    """
    async with connected(url) as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", MIGRATION_LOCK)
        found = await schema_version(connection)
        for number, script in enumerate(migrations("postgres")[found:], start=found + 1):
            await connection.execute(script)
            await connection.execute("update schema_version set version = $1", number)
            found = number
        return found


@asynccontextmanager
async def connected(url: str, *, seconds: float | None = None) -> AsyncIterator[Any]:
    """One connection, for the time of the context; each statement may take some *seconds*.

    :raises Unreachable: if it cannot be made.
    """
    try:
        connection = await driver().connect(
            url,
            timeout=CONNECT_SECONDS,
            command_timeout=seconds,
            statement_cache_size=0,
            connection_class=watchful(),
        )
    except (*lost(), driver().PostgresError) as exc:
        raise unreachable(url, exc) from exc
    except (ValueError, OverflowError) as exc:
        raise ConfigError(
            f"the queue's database {masked_url(url)}: is no URL of one",
            hint="a port is a number from 1 to 65535; "
            "in a password, / is written %2F, @ %40, : %3A and # %23",
        ) from exc
    try:
        yield connection
    finally:
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            await connection.close()


async def schema_version(connection: Any) -> int:
    """The number of the last migration; 0 for an empty database."""
    if await connection.fetchval("select to_regclass('schema_version')") is None:
        return 0
    return int(await connection.fetchval("select version from schema_version"))


def unreachable(url: str, exc: BaseException) -> Unreachable:
    """The error for a database that does not answer, or not to us, or cannot do it now."""
    where = f"the queue's database {masked_url(url)}"
    silent = "no answer in time" if isinstance(exc, TimeoutError) else type(exc).__name__
    text = str(exc) or silent
    if hint := HINTS.get(state_of(exc)):
        return Unreachable(f"{where}: {text}", hint=hint)
    hint = "is the server up, and are the address and the login right?"
    return Unreachable(f"{where} cannot be reached: {text}", hint=hint)
