"""Hears what other processes announce through PostgreSQL, and notices when nothing comes through:
a pooler that lends a connection for one transaction, such as PgBouncer, loses each LISTEN.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import anyio

from launchkit.aio.retry import Backoff, retry
from launchkit.aio.trouble import Trouble
from launchkit.store.asyncpg_driver import CLOSE_SECONDS, driver, lost, watchful
from launchkit.store.connecting import CONNECT_SECONDS
from launchkit.store.topics import EVERYTHING, StoreTopics

if TYPE_CHECKING:
    import asyncpg

log = logging.getLogger("launchkit.store")

AGAIN_SECONDS = 0.2
BACKOFF = Backoff(first=0.2, cap=5.0)
ECHO_SECONDS = 5.0
"""How long an announcement to oneself may take to come back."""
CHECK_SECONDS = 20.0
"""How often that is tried."""
DEAF_SECONDS = 1.0
"""How often one who hears nothing lets all who wait look for themselves."""


class Listener:
    """Rings *topics* as other connections to the database announce them; all of them after each new
    start. *announce* sends some to all that listen.
    """

    def __init__(
        self,
        url: str,
        topics: StoreTopics,
        announce: Callable[[Sequence[str]], Awaitable[None]],
    ) -> None:
        self._url = url
        self._topics = topics
        self._announce = announce
        self._told = False
        self.heard = anyio.Event()
        """Set once an announcement to itself has come back."""

    async def work(self) -> None:
        """Listen until cancelled."""
        failures = (*lost(), driver().PostgresError)
        trouble = Trouble(log, "announcements from the queue's database")
        while True:
            gone = anyio.Event()
            start = partial(self._started, gone)
            connection = await retry(start, on=failures, backoff=BACKOFF, trouble=trouble)
            try:
                self._topics.publish([EVERYTHING])
                with suppress(*failures):
                    await self._attend(connection, gone)
            finally:
                await _closed(connection)
            await anyio.sleep(AGAIN_SECONDS)

    async def _started(self, gone: anyio.Event) -> "asyncpg.Connection[asyncpg.Record]":
        connection: asyncpg.Connection[asyncpg.Record]
        with anyio.CancelScope(shield=True):  # cut short, it would leave its socket open
            connection = await driver().connect(
                self._url,
                timeout=CONNECT_SECONDS,
                command_timeout=ECHO_SECONDS,
                statement_cache_size=0,
                connection_class=watchful(),
            )
        try:
            connection.add_termination_listener(lambda _: gone.set())
            await connection.add_listener("launchkit", self._hear)
        except BaseException:
            await _closed(connection)
            raise
        return connection

    async def _attend(
        self, connection: "asyncpg.Connection[asyncpg.Record]", gone: anyio.Event
    ) -> None:
        """Until the connection is *gone*, see that what is announced is heard; else look often."""
        while not gone.is_set():
            hears = await self._hears_itself()
            if hears:
                self.heard.set()
            else:
                await connection.execute("select 1")  # fails where nothing at all comes through
                self._tell()
            with anyio.move_on_after(CHECK_SECONDS):
                await (gone.wait() if hears else self._let_all_look(gone))

    async def _hears_itself(self) -> bool:
        topic = f"echo:{uuid4().hex}"
        with self._topics.subscribed(topic) as echo:
            await self._announce([topic])
            return await echo.wait(ECHO_SECONDS)

    async def _let_all_look(self, gone: anyio.Event) -> None:
        while not gone.is_set():
            self._topics.publish([EVERYTHING])
            with anyio.move_on_after(DEAF_SECONDS):
                await gone.wait()

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            log.warning(
                "announcements do not come through from the queue's database, as behind PgBouncer"
                " in transaction mode: who waits looks every %g s instead; give `launchkit server`"
                " the direct URL beside the pooled one (database-direct)",
                DEAF_SECONDS,
            )

    def _hear(self, _connection: object, _pid: int, _channel: str, topic: object) -> None:
        self._topics.publish([str(topic)])


async def _closed(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    with anyio.move_on_after(CLOSE_SECONDS, shield=True):
        await connection.close()
