"""How much of something each one who asks may have at once, so that all others have theirs."""

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from launchkit.errors import Unreachable

BODIES = 4
"""Long bodies that are read."""
STREAMS = 100
"""More than the browsers and programs of one who asks keep open."""
WAITS = 1000
"""As many launches as a program may wait for, each by itself."""
AGAIN_SECONDS = 1.0


class Shares:
    """Of one thing."""

    def __init__(self, most: int, what: str) -> None:
        self._most = most
        self._what = what
        self._of: Counter[bytes] = Counter()

    def of(self, who: bytes) -> AbstractContextManager[None]:
        """Count one for the time of a context.

        :raises Unreachable: if as many of the same one who asks are there as may be.
        """
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
