"""No more calls of an API than it allows."""

from collections.abc import Awaitable, Callable

import anyio

ROUNDING = 1e-9
"""Less than so much of a token is not waited for."""


class TokenBucket:
    """Fills with *rate* tokens each second up to *burst*; it is full at first.

    Those who ask get their tokens in the order of asking.
    """

    def __init__(
        self,
        rate: float,
        burst: float = 1.0,
        *,
        clock: Callable[[], float] = anyio.current_time,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._sleep = sleep
        self._turn = anyio.Lock()
        self._tokens = burst
        self._filled: float | None = None
        """When; None: nobody has asked yet."""

    async def take(self, tokens: float = 1.0) -> None:
        """Wait for *tokens*. One who is cancelled takes none.

        :raises ValueError: if the bucket never holds so many.
        """
        if tokens > self._burst:
            raise ValueError(f"{tokens:g} tokens from a bucket that holds {self._burst:g}")
        async with self._turn:
            while (missing := tokens - self._fill()) > ROUNDING:
                await self._sleep(missing / self._rate)
            self._tokens -= tokens

    def _fill(self) -> float:
        now = self._clock()
        if self._filled is not None:
            grown = self._tokens + (now - self._filled) * self._rate
            self._tokens = min(self._burst, grown)
        self._filled = now
        return self._tokens
