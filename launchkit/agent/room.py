"""Waiting for room: an agent whose disk is full would fail one launch after another."""

import errno
import os
from collections.abc import Awaitable, Callable

import anyio

from launchkit.aio.retry import Backoff, pauses
from launchkit.errors import FetchError, SubmitError

ROOM_SECONDS = 600.0
"""How long room is waited for: a launch may want more than the disk will ever have."""
WORDS = tuple(os.strerror(number).lower() for number in (errno.ENOSPC, errno.EDQUOT))
"""How systems, git and engines say that there is no room."""


class Room:
    """Lets a launch that finds no room to be prepared in wait until there is some; *tell* hears of
    each cause once.
    """

    def __init__(
        self, tell: Callable[[str], Awaitable[None]], *, seconds: float = ROOM_SECONDS
    ) -> None:
        self._tell = tell
        self._seconds = seconds
        self._since: float | None = None
        self._told: set[str] = set()
        self._pauses = pauses(Backoff())

    async def wait(self, exc: Exception) -> None:
        """Pause before another try. :raises Exception: *exc*, if it is of anything else, or room
        was waited for in vain.
        """
        now = anyio.current_time()
        self._since = now if self._since is None else self._since
        if not is_full(exc) or now - self._since >= self._seconds:
            raise exc
        if str(exc) not in self._told:
            self._told.add(str(exc))
            await self._tell(f"waits for room: {exc}")
        await anyio.sleep(next(self._pauses))


def is_full(exc: Exception) -> bool:
    """Whether something could not be fetched or submitted because a disk or a quota is full."""
    text = str(exc).lower()
    return isinstance(exc, FetchError | SubmitError | OSError) and any(w in text for w in WORDS)
