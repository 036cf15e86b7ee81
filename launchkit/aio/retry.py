"""Trying again: with growing, jittered, capped pauses, so that those who suffer from one thing do
not come back all at once.
"""

import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeAlias, TypeVar

import anyio

from launchkit.aio.trouble import Trouble

T = TypeVar("T")

LONGEST_RETRY_AFTER = 60.0
"""Seconds: an agent that says nothing for longer loses what it holds, and whoever waits would take
a longer pause for the end."""
On: TypeAlias = type[Exception] | tuple[type[Exception], ...] | Callable[[Exception], bool]
"""Which exceptions are worth another try: of these types, or those of which it says True."""


@dataclass(frozen=True)
class Backoff:
    """How to pause between tries; all in seconds, but for *jitter*."""

    first: float = 0.2
    """The longest that the first pause may be; it doubles each time."""
    cap: float = 10.0
    """The longest that any pause may be."""
    jitter: float = 0.5
    """The part of a pause that is left to chance: 0 is none of it, 1 is all of it."""
    deadline: float | None = None
    """How long after the first try the last one may begin; None: for ever."""


async def retry(
    call: Callable[[], Awaitable[T]],
    *,
    on: On,
    backoff: Backoff,
    trouble: Trouble | None = None,
    on_first: Callable[[Exception], Awaitable[None]] | None = None,
) -> T:
    """Call until it works. A `retry_after` of the exception (seconds) makes a pause longer.

    *trouble* is told of each failed try, and that it is over if there was one. *on_first* is
    awaited after the first failed try alone, for example to tell a launch's timeline.

    :raises Exception: the last one, if it is none of *on*, or no try can begin before the
        deadline any more. A try that is under way is not cut short by it.
    """
    began = anyio.current_time()
    failed = False
    for pause in pauses(backoff):
        try:
            result = await call()
        except Exception as exc:
            if not matches(exc, on):
                raise
            wait = long_enough(pause, exc, backoff.jitter)
            if backoff.deadline is not None:
                left = began + backoff.deadline - anyio.current_time()
                if left <= 0 or retry_after(exc) > left:
                    raise
                wait = min(wait, left)
            if trouble is not None:
                trouble.tell(exc)
            if on_first is not None and not failed:
                await on_first(exc)
            failed = True
        else:
            if trouble is not None and failed:
                trouble.over()
            return result
        await anyio.sleep(wait)
    raise AssertionError  # the pauses never end


def pauses(backoff: Backoff) -> Iterator[float]:
    """Seconds to wait before each next try, without end, for loops of their own."""
    pause = backoff.first
    while True:
        yield jittered(pause, backoff.jitter)
        pause = min(backoff.cap, pause * 2)


def jittered(seconds: float, jitter: float) -> float:
    """So much time, or less of it: the part *jitter* (0 to 1) is left to chance."""
    return seconds * random.uniform(1 - jitter, 1.0)  # noqa: S311 - no secret


def matches(exc: Exception, on: On) -> bool:
    """Whether an exception is one of *on*."""
    if isinstance(on, type | tuple):
        return isinstance(exc, on)
    return on(exc)


def long_enough(pause: float, exc: Exception, jitter: float = Backoff.jitter) -> float:
    """A pause as long as the one who failed asks for, and up to the part *jitter* of that longer:
    many who were told the same do not come back all at once.
    """
    return max(pause, retry_after(exc) * random.uniform(1.0, 1.0 + jitter))  # noqa: S311


def retry_after(exc: Exception | None) -> float:
    """The seconds for which the one who failed is left alone: as many as it asks for, up to a
    bound; 0 if it does not say, or names no time at all.
    """
    wish = float(getattr(exc, "retry_after", None) or 0.0)
    return min(wish, LONGEST_RETRY_AFTER) if wish > 0 else 0.0


def retry_after_of(text: str | None) -> float | None:
    """The seconds that a `Retry-After` says (RFC 9110, 10.2.3), which may also name a time; None if
    it says nothing that is understood.
    """
    text = (text or "").strip()[:60]
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        then = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())
