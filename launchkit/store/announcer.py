"""Tells the other processes what was changed in a PostgreSQL database."""

import logging
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence

import anyio

from launchkit.aio.topics import Subscription
from launchkit.aio.trouble import Trouble
from launchkit.store.asyncpg_driver import driver, lost

log = logging.getLogger("launchkit.store")

FLUSH_SECONDS = 5.0


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
        self._trouble = Trouble(log, "announcements through the queue's database")

    def tell(self, topics: Iterable[str]) -> None:
        """Send these soon."""
        self._topics.update(topics)
        if self._topics:
            self._subscription.notify()

    async def work(self) -> None:
        """Send what is told, until cancelled."""
        while True:
            await self._subscription.wait(math.inf)
            with anyio.move_on_after(FLUSH_SECONDS, shield=True):  # cut short, it would be lost
                await self.flush()

    async def flush(self) -> None:
        """Send what was told and not sent yet; returns when all of it was sent."""
        async with self._sending:
            topics, self._topics = sorted(self._topics), set()
            if not topics:
                return
            try:
                await self._send(topics)
            except (*lost(), driver().PostgresError) as exc:
                self._trouble.tell(exc)
            else:
                self._trouble.over()
