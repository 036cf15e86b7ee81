"""Trying again: with growing, jittered, capped pauses."""

import random
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import anyio

from launchkit.errors import Unreachable
from launchkit.observe import Journal

T = TypeVar("T")

FIRST_SECONDS = 0.2
CAP_SECONDS = 10.0


def delays() -> Iterator[float]:
    """Seconds to wait before each next try: doubled each time up to a cap, with jitter."""
    delay = FIRST_SECONDS
    while True:
        yield delay * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        delay = min(CAP_SECONDS, delay * 2)


async def persist(call: Callable[[], Awaitable[T]], what: str, log: Journal) -> T:
    """Call until the queue can be reached."""
    for delay in delays():
        try:
            return await call()
        except Unreachable as exc:
            log.warning("%s: %s; trying again in %.1f s", what, exc, delay, action="retry")
            await anyio.sleep(delay)
    raise AssertionError  # delays never end
