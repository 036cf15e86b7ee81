"""No more requests than a service allows, and fewer while it says that there are too many."""

from launchkit.aio.token_bucket import TokenBucket

LESS = 0.8
MORE = 0.02


class Pace:
    """At most *rate* requests a second, and *burst* at once, for all who ask.

    Each one that is refused as too many makes it slower, and each one that goes well a little
    faster again: others of the account may use up what it allows.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self._bucket = TokenBucket(rate, burst)
        self._least = 1.0 / burst
        self._share = 1.0
        """The part of the rate that is used now."""

    async def turn(self) -> None:
        """Wait until one may ask."""
        await self._bucket.take(min(1.0 / self._share, 1.0 / self._least))

    def refused(self) -> None:
        """It was too much."""
        self._share = max(self._least, self._share * LESS)

    def went_well(self) -> None:
        """It was not too much."""
        self._share = min(1.0, self._share + MORE)
