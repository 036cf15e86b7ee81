"""Calls to the queue that must come through, for as long as that takes."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from launchkit.aio.retry import Backoff, retry
from launchkit.aio.trouble import Trouble
from launchkit.errors import Unreachable
from launchkit.observe import Journal

T = TypeVar("T")


async def persist(call: Callable[[], Awaitable[T]], what: str, log: Journal) -> T:
    """Call until the queue can be reached."""
    return await retry(call, on=Unreachable, backoff=Backoff(), trouble=Trouble(log, what))
