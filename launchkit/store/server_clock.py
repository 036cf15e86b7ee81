"""The clock of a database server, which all who use it go by: their own may be set to anything."""

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio

from launchkit.store.asyncpg_driver import driver, lost
from launchkit.store.ticks import ticks

AGAIN_SECONDS = 60.0
"""How often the server is asked."""


class ServerClock:
    """Gives the server's Unix time, by what it last said and what has passed here since."""

    def __init__(self) -> None:
        self._ahead: float | None = None
        """Of our ticks."""

    def __call__(self) -> float:
        """Unix time; this machine's for as long as the server has not been asked."""
        return time.time() if self._ahead is None else ticks() + self._ahead

    @property
    def skew(self) -> float:
        """Seconds by which the server's clock is ahead of this machine's."""
        return self() - time.time()

    async def ask(self, server: Callable[[], Awaitable[float]]) -> None:
        """Set it by what *server* says, which it said while the answer was awaited."""
        before = ticks()
        said = await server()
        self._ahead = said - (before + ticks()) / 2

    async def keep(self, server: Callable[[], Awaitable[float]]) -> None:
        """Ask now and again, until cancelled: after a failover it may be another's."""
        while True:
            await anyio.sleep(AGAIN_SECONDS)
            with suppress(*lost(), driver().PostgresError):
                await self.ask(server)
