"""The store in a PostgreSQL database: a pool of connections, and one that listens."""

import logging
import math
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

import anyio

from launchkit.addresses import masked
from launchkit.aio.retry import Backoff, retry
from launchkit.aio.topics import Subscription
from launchkit.errors import ConfigError, QueueError, Unreachable, unwrapped
from launchkit.store.asyncpg_driver import driver as _driver
from launchkit.store.asyncpg_driver import lost as _lost
from launchkit.store.database import (
    Answer,
    AtOnce,
    Body,
    Database,
    Loose,
    Row,
    Tx,
    migrations,
    statements,
)
from launchkit.store.listener import Listener
from launchkit.store.topics import StoreTopics

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]

T = TypeVar("T")

log = logging.getLogger("launchkit.store")

POOL_SIZE = 10
CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 5.0
BACKOFF = Backoff(first=0.2, cap=2.0)
PATIENCE_SECONDS = 60.0
"""How long a lost database is waited for before the caller is told."""
AGAIN_SECONDS = 0.2
MIGRATION_LOCK = 7_261_540_219
"""The advisory lock that one upgrade holds against another."""


@dataclass(frozen=True)
class Statement:
    """A statement in asyncpg's form, and the names of its values in their order."""

    sql: str
    names: Sequence[str]


class PostgresTx(Tx):
    """A transaction on one connection."""

    def __init__(self, connection: "Connection", now: float) -> None:
        super().__init__(now)
        self._connection = connection

    async def all(self, statement: str, /, **values: object) -> Sequence[Row]:
        """Run the statement of that name; give its rows."""
        found = _statements()[statement]
        given = {"now": self.now, **values}
        rows = await self._connection.fetch(found.sql, *(given[name] for name in found.names))
        return cast("Sequence[Row]", rows)


class PostgresDatabase(Database):
    """A PostgreSQL database, shared by any number of processes and machines."""

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float] = time.time,
        direct: str | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.topics = StoreTopics()
        self._url = url
        self._pooled = False
        self.listener = Listener(direct or url, self.topics, self._send)
        self._clock = clock
        self._patience = patience
        self._announcer = Announcer(self._announce)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Connect, and see that the schema is this version's."""
        await self._check_schema()
        self._pool = await _driver().create_pool(
            self._url,
            min_size=0,
            max_size=POOL_SIZE,
            timeout=CONNECT_SECONDS,
            reset=_leave_as_is,
            **({"statement_cache_size": 0} if self._pooled else {}),
        )
        with unwrapped():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.listener.work)
                tasks.start_soon(self._announcer.work)
                try:
                    yield
                finally:
                    tasks.cancel_scope.cancel()
                    with anyio.move_on_after(CLOSE_SECONDS, shield=True):
                        await self._announcer.flush()
                        await self._pool.close()
                    self._pool.terminate()

    async def write(self, body: Body[T]) -> T:
        """Run *body* in a transaction that may write. A connection that is lost is made anew, and
        whether its last commit took place is looked up, so that nothing happens twice.
        """
        if isinstance(body, AtOnce) and not self._pooled:
            answer = await self._patiently(lambda: self._at_once(body))
            if answer is not None:
                return cast("T", answer.result)
        return await self._patiently(lambda: self._write(body))

    async def _at_once(self, body: AtOnce[Any]) -> Answer[Any] | None:
        async with self._connection() as connection:
            tx = PostgresTx(connection, self._clock())
            answer = body.answer(await tx.one(body.statement, **body.values(tx.now)))
        if answer is not None:
            self._announcer.tell(answer.topics)
        return answer

    async def read(self, body: Body[T]) -> T:
        """Run *body* on a consistent snapshot, unless it needs none."""
        if isinstance(body, AtOnce) and not self._pooled:
            answer = await self._patiently(lambda: self._at_once(body))
            if answer is not None:
                return cast("T", answer.result)

        async def attempt() -> T:
            async with self._connection() as connection:
                tx = PostgresTx(connection, self._clock())
                if isinstance(body, Loose):
                    return await body(tx)
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    return await body(tx)

        return await self._patiently(attempt)

    @asynccontextmanager
    async def _connection(self) -> "AsyncIterator[Connection]":
        connection = await self._pool.acquire(timeout=CONNECT_SECONDS)
        try:
            yield connection
        finally:
            # What was committed is committed, also if the connection is lost on its way back.
            with suppress(*_lost(), _driver().PostgresError):
                await self._pool.release(connection, timeout=CLOSE_SECONDS)

    async def _write(self, body: Body[T]) -> T:
        xact = None
        async with self._connection() as connection:
            transaction = connection.transaction()
            await transaction.start()
            tx = PostgresTx(connection, self._clock())
            try:
                result = await body(tx)
                xact = (await tx.row("transaction"))["xact"]
            except BaseException:
                with anyio.move_on_after(CONNECT_SECONDS, shield=True):
                    await self._rolled_back(transaction)
                raise
            try:
                await transaction.commit()
            except _lost() as exc:
                if xact is None or not await self._took_place(xact):
                    raise
                log.warning("the connection was lost after a commit: %s", exc)
        self._announcer.tell(tx.topics)
        return result

    async def _rolled_back(self, transaction: "asyncpg.transaction.Transaction") -> None:
        try:
            await transaction.rollback()
        except (*_lost(), _driver().PostgresError):
            pass  # the connection is gone, and the transaction with it

    async def _took_place(self, xact: str) -> bool:
        """Whether a transaction whose commit was not answered was committed."""

        async def look() -> str:
            async with self._connection() as connection, connection.transaction():
                tx = PostgresTx(connection, self._clock())
                return str((await tx.row("fate", xact=xact))["status"])

        while (status := await self._patiently(look)) == "in progress":  # noqa: ASYNC110
            await anyio.sleep(AGAIN_SECONDS)
        return bool(status == "committed")

    async def _patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try again while the database is away, or other transactions are in the way."""
        driver = _driver()
        in_the_way = (
            driver.UniqueViolationError,
            driver.SerializationError,
            driver.DeadlockDetectedError,
        )
        backoff = replace(BACKOFF, deadline=self._patience)
        try:
            return await retry(attempt, on=(*_lost(), *in_the_way), backoff=backoff)
        except (*_lost(), *in_the_way) as exc:
            raise unreachable(self._url, exc) from exc
        except driver.PostgresError as exc:
            raise QueueError(f"the queue's database: {exc}") from exc

    async def _announce(self, topics: Sequence[str]) -> None:
        self.topics.publish(topics)
        await self._send(topics)

    async def _send(self, topics: Sequence[str]) -> None:
        async with self._connection() as connection, connection.transaction():
            await PostgresTx(connection, 0.0).all("announce", topics=topics)

    async def _check_schema(self) -> None:
        async with connected(self._url) as connection, connection.transaction():
            found = await schema_version(connection)
            own = await connection.fetchval("select pg_backend_pid()")
            # A pooler does not tell which of the server's processes it lends.
            self._pooled = own != connection.get_server_pid()
        wanted = len(migrations("postgres"))
        if found > wanted:
            raise ConfigError(
                f"the queue's database was made by a newer launchkit: its schema is {found}, and"
                f" this one knows {wanted}",
                hint="upgrade launchkit",
            )
        if found < wanted:
            raise ConfigError(
                f"the queue's database has the schema {found}, and this launchkit needs {wanted}",
                hint="upgrade it with: launchkit store migrate",
            )


class Announcer:
    """Sends topics to the other processes, those of many transactions at once: a commit that
    notifies holds a lock that all such commits share, so no claim should wait for it. What is lost
    in a crash is found by those who wait when they look again.
    """

    def __init__(self, send: Callable[[Sequence[str]], Awaitable[None]]) -> None:
        self._send = send
        self._topics: set[str] = set()
        self._subscription = Subscription()
        self._sending = anyio.Lock()

    def tell(self, topics: Iterable[str]) -> None:
        """Send these soon."""
        self._topics.update(topics)
        if self._topics:
            self._subscription.notify()

    async def work(self) -> None:
        """Send what is told, until cancelled."""
        while True:
            await self._subscription.wait(math.inf)
            with anyio.move_on_after(CLOSE_SECONDS, shield=True):  # cut short, it would be lost
                await self.flush()

    async def flush(self) -> None:
        """Send what was told and not sent yet; returns when all of it was sent."""
        async with self._sending:
            topics, self._topics = sorted(self._topics), set()
            if topics:
                try:
                    await self._send(topics)
                except (*_lost(), _driver().PostgresError) as exc:
                    log.warning("an announcement was lost: %s", exc)


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
async def connected(url: str) -> AsyncIterator[Any]:
    """One connection, for the time of the context.

    :raises Unreachable: if it cannot be made.
    """
    driver = _driver()
    try:
        connection = await driver.connect(url, timeout=CONNECT_SECONDS, statement_cache_size=0)
    except (OSError, TimeoutError, driver.PostgresError, driver.InterfaceError) as exc:
        raise unreachable(url, exc) from exc
    try:
        yield connection
    finally:
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            await connection.close(timeout=CLOSE_SECONDS)


async def schema_version(connection: Any) -> int:
    """The number of the last migration; 0 for an empty database."""
    if await connection.fetchval("select to_regclass('schema_version')") is None:
        return 0
    return int(await connection.fetchval(_statements()["schema_version"].sql))


async def _leave_as_is(_connection: object) -> None:
    """Nothing of a transaction outlives it, so there is nothing to reset between two."""


def unreachable(url: str, exc: BaseException) -> Unreachable:
    """The error for a database that does not answer, or not to us."""
    return Unreachable(
        f"the queue's database {masked(url)} cannot be reached: {str(exc) or type(exc).__name__}",
        hint="is the server up, and are the address and the login right?",
    )


@cache
def _statements() -> Mapping[str, Statement]:
    return {name: positional(sql) for name, sql in statements("core", "people", "postgres").items()}


def positional(sql: str) -> Statement:
    """Write `:name` as `$1`, the same name as the same number."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    return Statement(re.sub(r"(?<!:):([a-z_]+)", number, sql), tuple(names))
