"""The store in a PostgreSQL database: a pool of connections, and one that listens."""

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import anyio

from launchkit.addresses import masked_url
from launchkit.aio.retry import Backoff, retry
from launchkit.errors import ConfigError, QueueError, Unreachable, unwrapped
from launchkit.store.announcer import Announcer
from launchkit.store.asyncpg_driver import (
    CLOSE_SECONDS,
    cut,
    cut_unended,
    own_fault,
    passes,
    watchful,
    writer_of,
)
from launchkit.store.asyncpg_driver import driver as _driver
from launchkit.store.asyncpg_driver import lost as _lost
from launchkit.store.commit_marks import CommitMark, leave, was_left
from launchkit.store.connecting import connected, schema_version, unreachable
from launchkit.store.database import (
    PATIENCE_SECONDS,
    READERS,
    STATEMENT_SECONDS,
    TOO_MUCH_HINT,
    After,
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
from launchkit.store.server_clock import ServerClock
from launchkit.store.topics import StoreTopics

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]

T = TypeVar("T")

log = logging.getLogger("launchkit.store")

POOL_SIZE = 10
ROLLBACK_SECONDS = 2.0
BACKOFF = Backoff(first=0.2, cap=2.0)
TIME = "select extract(epoch from clock_timestamp())::float8"


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
        try:
            rows = await self._connection.fetch(found.sql, *(given[name] for name in found.names))
        except TimeoutError:
            cut(self._connection)
            raise
        return cast("Sequence[Row]", rows)


class PostgresDatabase(Database):
    """A PostgreSQL database, shared by any number of processes and machines."""

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float] | None = None,
        direct: str | None = None,
        patience: float = PATIENCE_SECONDS,
        seconds: float = STATEMENT_SECONDS,
    ) -> None:
        self.topics = StoreTopics()
        self._url = url
        self._pooled = False
        self.listener = Listener(direct or url, self.topics, self._send)
        self._server_clock = ServerClock()
        self._clock = clock or self._server_clock
        self._patience = patience
        self._seconds = seconds
        self._announcer = Announcer(self._announce)
        self._reading = anyio.CapacityLimiter(READERS)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Connect, and see that the schema is this version's."""
        await self._check_schema()
        self._pool = await _driver().create_pool(
            self._url,
            min_size=0,
            max_size=POOL_SIZE,
            timeout=self._seconds,
            command_timeout=self._seconds,
            connection_class=watchful(),
            reset=_leave_as_is,
            **({"statement_cache_size": 0} if self._pooled else {"init": self._set_limits}),
        )
        with unwrapped():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.listener.work)
                tasks.start_soon(self._announcer.work)
                tasks.start_soon(self._server_clock.keep, self._time)
                try:
                    yield
                finally:
                    tasks.cancel_scope.cancel()
                    with anyio.move_on_after(CLOSE_SECONDS, shield=True):
                        await self._announcer.flush()
                        await self._pool.close()
                    self._pool.terminate()

    @property
    def skew(self) -> float:
        """Seconds by which the server's clock is ahead of this machine's."""
        return self._server_clock.skew

    async def write(self, body: Body[T]) -> T:
        """Run *body* in a transaction that may write. A connection that is lost is made anew, and
        whether its last commit took place is looked up, so that nothing happens twice.
        """
        first, last = (body.first, body.body) if isinstance(body, After) else (None, body)
        if isinstance(last, AtOnce) and not self._pooled:
            answer = await self._patiently(lambda: self._at_once(last, first))
            if answer is not None:
                return cast("T", answer.result)
        return await self._patiently(lambda: self._write(body))

    async def _at_once(
        self, body: AtOnce[Any], first: Body[object] | None = None
    ) -> Answer[Any] | None:
        async with self._connection() as connection:
            tx = PostgresTx(connection, self._clock())
            tx.lasts = False
            if first is not None:
                await first(tx)
            answer = body.answer(await tx.one(body.statement, **body.values(tx.now)))
        if answer is not None:
            self._announcer.tell(answer.topics)
        return answer

    async def read(self, body: Body[T], *, prompt: bool = False) -> T:
        """Run *body* on a consistent snapshot, unless it needs none."""
        if isinstance(body, AtOnce) and not self._pooled:
            answer = await self._patiently(lambda: self._at_once(body))
            if answer is not None:
                return cast("T", answer.result)

        async def attempt() -> T:
            async with self._connection() as connection:
                tx = PostgresTx(connection, self._clock())
                tx.lasts = False
                if isinstance(body, Loose) and not self._pooled:
                    return await body(tx)
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    if self._pooled:
                        await self._set_limits(connection, local=True)
                    return await body(tx)

        async def bounded() -> T:
            async with self._turn_to_read():
                try:
                    return await attempt()
                except _driver().QueryCanceledError as exc:  # which another time takes as long
                    raise self._too_much("to read what was asked for took longer than") from exc

        return await self._patiently(attempt if prompt else bounded)

    @asynccontextmanager
    async def _turn_to_read(self) -> AsyncIterator[None]:
        with anyio.move_on_after(self._seconds) as waiting:
            await self._reading.acquire()
        if waiting.cancelled_caught:
            raise self._too_much("others read much, and left nobody a turn for")
        try:
            yield
        finally:
            self._reading.release()

    def _too_much(self, what: str) -> Unreachable:
        where = f"the queue's database {masked_url(self._url)}"
        return Unreachable(f"{where}: {what} {self._seconds:g} seconds", hint=TOO_MUCH_HINT)

    @asynccontextmanager
    async def _connection(self) -> "AsyncIterator[Connection]":
        connection = await self._pool.acquire(timeout=self._seconds)
        try:
            yield connection
        except TimeoutError:
            # One that gave no answer in time may never give one, nor may those that lie idle.
            cut(connection)
            await self._pool.expire_connections()
            raise
        except _driver().ReadOnlySQLTransactionError:
            cut(connection)  # after a failover a new one may lead to the primary
            raise
        finally:
            cut_unended(connection)
            # What was committed is committed, also if the connection is lost on its way back.
            with suppress(*_lost(), _driver().PostgresError):
                await self._pool.release(connection, timeout=CLOSE_SECONDS)

    async def _write(self, body: Body[T]) -> T:
        mark = None
        async with self._connection() as connection:
            transaction = connection.transaction()
            tx = PostgresTx(connection, self._clock())
            try:
                await self._begin(connection, transaction)
                result = await body(tx)
                mark = await leave(tx, writer_of(connection))
            except BaseException:
                await _give_up(connection, transaction)
                raise
            try:
                await transaction.commit()
            except _lost() as exc:
                cut(connection)
                if mark is None or not await self._took_place(mark):
                    raise
                log.warning("the connection was lost after a commit: %s", exc)
        self._announcer.tell(tx.topics)
        return result

    async def _took_place(self, mark: CommitMark) -> bool:
        """Whether a transaction whose commit was not answered was committed."""

        async def look() -> bool:
            async with self._connection() as connection:
                transaction = connection.transaction()
                try:
                    await self._begin(connection, transaction)
                    return await was_left(PostgresTx(connection, self._clock()), mark)
                finally:
                    await _give_up(connection, transaction)

        return await self._patiently(look)

    async def _begin(
        self, connection: "Connection", transaction: "asyncpg.transaction.Transaction"
    ) -> None:
        await transaction.start()
        if self._pooled:
            await self._set_limits(connection, local=True)

    async def _patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try again while the database is away or only reads, or others are in the way."""
        backoff = replace(BACKOFF, deadline=self._patience)
        try:
            return await retry(attempt, on=passes, backoff=backoff)
        except (*_lost(), _driver().PostgresError) as exc:
            if own_fault(exc) and not passes(exc):
                raise QueueError(f"the queue's database: {exc}") from exc
            raise unreachable(self._url, exc) from exc

    async def _set_limits(self, connection: "Connection", *, local: bool = False) -> None:
        """Let the server give up what nobody waits for any more: it would hold its locks."""
        most = str(round(self._seconds * 900))  # ms, so that the server is the first to say so
        await PostgresTx(connection, 0.0).all("limits", ms=most, local=local)

    async def _time(self) -> float:
        async with self._connection() as connection, connection.transaction():
            return float(await connection.fetchval(TIME))

    async def _announce(self, topics: Sequence[str]) -> None:
        self.topics.publish(topics)
        await self._send(topics)

    async def _send(self, topics: Sequence[str]) -> None:
        async with self._connection() as connection, connection.transaction():
            await PostgresTx(connection, 0.0).all("announce", topics=topics)

    async def _check_schema(self) -> None:
        try:
            async with (
                connected(self._url, seconds=self._seconds) as connection,
                connection.transaction(),
            ):
                found = await schema_version(connection)
                own = await connection.fetchval("select pg_backend_pid()")
                # A pooler does not tell which of the server's processes it lends.
                self._pooled = own != connection.get_server_pid()
                await self._server_clock.ask(partial(connection.fetchval, TIME))
        except (*_lost(), _driver().PostgresError) as exc:
            raise unreachable(self._url, exc) from exc
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


async def _give_up(
    connection: "Connection", transaction: "asyncpg.transaction.Transaction"
) -> None:
    """Roll back, or lose the connection, and the transaction with it."""
    with (
        anyio.move_on_after(ROLLBACK_SECONDS, shield=True),
        suppress(*_lost(), _driver().PostgresError),
    ):
        await transaction.rollback()
        return
    cut(connection)


async def _leave_as_is(_connection: object) -> None:
    """Nothing of a transaction outlives it, so there is nothing to reset between two."""


@cache
def _statements() -> Mapping[str, Statement]:
    return {
        name: positional(sql)
        for name, sql in statements("core", "people", "webhooks", "postgres").items()
    }


def positional(sql: str) -> Statement:
    """Write `:name` as `$1`, the same name as the same number."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    return Statement(re.sub(r"(?<!:):([a-z_]+)", number, sql), tuple(names))
