"""Work that takes long, in threads: what one has done keeps none of the others waiting for more
than one piece of it.
"""

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TypeVar

from anyio import CapacityLimiter, Lock
from anyio.to_thread import run_sync

T = TypeVar("T")


@dataclass(frozen=True)
class LongWork:
    """Of each for whom long work is done one piece is done or waits, so that all of them have their
    turns; short work waits for no long one.
    """

    short: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    long: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    _turns: dict[Hashable, Lock] = field(default_factory=dict)
    _here: Counter[Hashable] = field(default_factory=Counter)

    async def run(self, whose: Hashable, work: Callable[[], T], *, is_long: bool) -> T:
        """Do *work* that somebody wants, in their turn if it *is_long*."""
        if not is_long:
            return await run_sync(work, limiter=self.short)
        turn = self._turns.setdefault(whose, Lock())
        self._here[whose] += 1
        try:
            async with turn:
                return await run_sync(work, limiter=self.long)
        finally:
            self._here[whose] -= 1
            if not self._here[whose]:
                del self._here[whose], self._turns[whose]
