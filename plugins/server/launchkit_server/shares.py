"""How much of something each one who asks may have at once, so that all others have theirs."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)

import anyio

from launchkit.errors import Unreachable

BODIES = 4
"""Long bodies that are read."""
STREAMS = 100
"""More than the browsers and programs of one who asks keep open."""
WAITS = 1000
"""As many launches as a program may wait for, each by itself."""
ANSWERS = 4
"""Answers that may be large, from when they are begun until they are taken."""
TRANSFERS = 16
"""Of output and packed code, up or down: of each some MiB are held."""
EXCHANGES = 16
"""Of what browsers bring back from a provider of identities, of one address: who they are is not
known before.
"""
ALL_EXCHANGES = 4 * EXCHANGES
STRANGERS = 4
"""Of an address, requests that prove nothing, from when they are looked at until they are proved or
their answer begins: each step of one keeps all others waiting.
"""
STRANGERS_IN_LINE = 4096
"""As many as there are connections of one address: who has gone does not wait beside them."""
AGAIN_SECONDS = 1.0
PATIENCE_SECONDS = 25.0
"""How long one waits for others of one's own, such as a program that launches a thousand at once: a
client waits 30 for an answer.
"""


class Shares:
    """Of one thing, of which there may be so many *in_all*, if that is bounded, too."""

    def __init__(self, most: int, what: str, in_all: int | None = None) -> None:
        self._most = most
        self._what = what
        self._in_all = in_all
        self._of: Counter[bytes] = Counter()

    def of(self, who: bytes) -> AbstractContextManager[None]:
        """Count one for the time of a context.

        :raises Unreachable: if as many of the same one who asks are there as may be, or of all.
        """
        if self._in_all is not None and self._of.total() >= self._in_all:
            raise Unreachable(
                f"{self._in_all} {self._what} are here already", retry_after=AGAIN_SECONDS
            )
        if self._of[who] >= self._most:
            raise Unreachable(
                f"{self._most} {self._what} of yours are here already", retry_after=AGAIN_SECONDS
            )
        return self._counted(who)

    @contextmanager
    def _counted(self, who: bytes) -> Iterator[None]:
        self._of[who] += 1
        try:
            yield
        finally:
            self._of[who] -= 1
            if not self._of[who]:
                del self._of[who]


class InTurn:
    """The same, where the next of one who asks wait until the first are over."""

    def __init__(self, most: int, what: str, in_line: int | None = None) -> None:
        self._most = most
        self._what = what
        self._in_line = in_line
        self._here: Counter[bytes] = Counter()
        self._places: dict[bytes, anyio.Semaphore] = {}

    @asynccontextmanager
    async def of(self, who: bytes) -> AsyncIterator[bool]:
        """Have one of the places for the time of a context, which is told whether one had to wait.

        :raises Unreachable: if none comes free, or as many wait as may.
        """
        if self._in_line is not None and self._here[who] >= self._most + self._in_line:
            raise Unreachable(
                f"{self._in_line} {self._what} of yours wait already", retry_after=AGAIN_SECONDS
            )
        place = self._places.setdefault(who, anyio.Semaphore(self._most))
        self._here[who] += 1
        try:
            waited = await self._wait(place)
            try:
                yield waited
            finally:
                place.release()
        finally:
            self._here[who] -= 1
            if not self._here[who]:
                del self._here[who], self._places[who]

    async def _wait(self, place: anyio.Semaphore) -> bool:
        with suppress(anyio.WouldBlock):
            place.acquire_nowait()
            return False
        try:
            with anyio.fail_after(PATIENCE_SECONDS):
                await place.acquire()
                return True
        except TimeoutError:
            raise Unreachable(
                f"{self._most} {self._what} of yours are not over yet", retry_after=AGAIN_SECONDS
            ) from None


class Places:
    """What one who asks has of some turns for one request."""

    def __init__(self, who: bytes, until_taken: AsyncExitStack) -> None:
        self._who = who
        self._until_taken = until_taken

    @classmethod
    @asynccontextmanager
    async def of(cls, who: bytes) -> AsyncIterator["Places"]:
        """They are given up at the end of the context, which is that of the request."""
        async with AsyncExitStack() as until_taken:
            yield cls(who, until_taken)

    async def take(self, turns: InTurn) -> bool:
        """Have a place until the answer is taken, or all are given up. Tells whether one had to
        wait, and may have lost a right meanwhile.

        :raises Unreachable: if none comes free.
        """
        return await self._until_taken.enter_async_context(turns.of(self._who))

    async def give_up(self) -> None:
        """Let others have them."""
        await self._until_taken.aclose()
