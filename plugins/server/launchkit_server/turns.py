"""Whose long bodies are read: few of one who asks, and one after the other, so that all others are
answered meanwhile.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import anyio

from launchkit.errors import Unreachable

AT_ONCE = 4
"""Long bodies of one who asks."""
REST = 4
"""Of the time that a long body keeps all others waiting, so many times as much is theirs then."""


class Turns:
    """The turns of those who send much."""

    def __init__(self) -> None:
        self._lock = anyio.Lock()
        self._of: Counter[bytes] = Counter()

    def of(self, who: bytes) -> AbstractContextManager[None]:
        """Count a long body for the time of a context.

        :raises Unreachable: if as many of the same one are there as may be.
        """
        if self._of[who] >= AT_ONCE:
            raise Unreachable(f"{AT_ONCE} long bodies of yours are here already", retry_after=1.0)
        return self._counted(who)

    async def take(self, work: Callable[[], None]) -> None:
        """Do what keeps all others waiting."""
        async with self._lock:
            began = time.perf_counter()
            work()
            await anyio.sleep(REST * (time.perf_counter() - began))

    @contextmanager
    def _counted(self, who: bytes) -> Iterator[None]:
        self._of[who] += 1
        try:
            yield
        finally:
            self._of[who] -= 1
            if not self._of[who]:
                del self._of[who]
