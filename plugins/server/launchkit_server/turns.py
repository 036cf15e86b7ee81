"""Long bodies are read one after the other, so that all others are answered meanwhile."""

import time
from collections.abc import Callable

import anyio

REST = 4
"""Of the time that a long body keeps all others waiting, so many times as much is theirs then."""


class Turns:
    """The turns of those who send much."""

    def __init__(self) -> None:
        self._lock = anyio.Lock()

    async def take(self, work: Callable[[], None]) -> None:
        """Do what keeps all others waiting."""
        async with self._lock:
            began = time.perf_counter()
            work()
            await anyio.sleep(REST * (time.perf_counter() - began))
