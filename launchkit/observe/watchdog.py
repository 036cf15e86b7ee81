"""Health by signs of life: when each part of an agent last moved, not just whether it answers."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from launchkit.errors import contained_call

HEARTBEAT = "heartbeat"
PATIENCE_SECONDS = 60.0
"""Beyond a lease, how long a part may be silent: longer than any pause between two tries."""


@dataclass(frozen=True)
class Check:
    """One answer about an agent's health."""

    ok: bool
    detail: str


class Watchdog:
    """When each part last moved, and when the queue last answered; in seconds of *clock*."""

    def __init__(
        self, queues: Iterable[str], lease: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._bound = lease + PATIENCE_SECONDS
        self._moved = dict.fromkeys((HEARTBEAT, *map(poller, queues)), clock())
        self._answered = -math.inf
        self._failure = ""
        self.watches: dict[str, Callable[[], float | None]] = {}
        """What tells the age of the last news of a watch."""

    def move(self, part: str) -> None:
        """A part has done something."""
        self._moved[part] = self._clock()

    @contextmanager
    def resting(self, part: str) -> Iterator[None]:
        """A part waits for something that may rightly take for ever."""
        self._moved[part] = math.inf
        try:
            yield
        finally:
            self.move(part)

    def answer(self, failure: str = "") -> None:
        """The queue has answered, or could not be reached because of *failure*."""
        self._failure = failure
        if not failure:
            self._answered = self._clock()

    def age(self, part: str) -> float:
        """Seconds since a part moved."""
        return max(0.0, self._clock() - self._moved[part])

    def alive(self) -> dict[str, Check]:
        """Whether each part moved within the bound."""
        checks = {}
        for part in self._moved:
            age = self.age(part)
            detail = f"moved {age:.1f} s ago; the bound is {self._bound:g} s"
            checks[part] = Check(age <= self._bound, detail)
        return checks | dict(self._heard())

    def _heard(self) -> Iterator[tuple[str, Check]]:
        """How old the last news of each watch is, which no restart would change."""
        for name, age_of in sorted(self.watches.items()):
            try:
                with contained_call():
                    age = age_of()
            except Exception as exc:  # noqa: BLE001 - a plugin's
                yield f"watch {name}", Check(True, f"cannot be told: {exc!r}")
                continue
            if age is not None:
                yield f"watch {name}", Check(True, f"heard {age:.1f} s ago")

    def ready(self, *, draining: bool) -> dict[str, Check]:
        """Whether the queue was reached lately, and launches are still claimed."""
        since = self._clock() - self._answered
        detail = self._failure or f"answered {since:.1f} s ago; the bound is {self._bound:g} s"
        return {
            "backend": Check(not self._failure and since <= self._bound, detail),
            "claiming": Check(not draining, "is draining" if draining else "claims launches"),
        }


def poller(queue: str) -> str:
    """The name of the part that polls a queue."""
    return f"poller {queue}"
