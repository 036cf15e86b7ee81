"""When the Engine was away: how a container ended meanwhile, it may not know itself."""

import time
from collections import deque

KEPT = 16
SLACK_SECONDS = 2.0
"""An Engine dies before anybody notices."""


class Absences:
    """Those that this process has noticed, in Unix time."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._past = deque[tuple[float, float]](maxlen=KEPT)

    def begin(self) -> None:
        """It cannot be reached, or hung up."""
        if self._since is None:
            self._since = time.time()

    def end(self) -> None:
        """It answers."""
        if self._since is not None:
            self._past.append((self._since - SLACK_SECONDS, time.time()))
            self._since = None

    def cover(self, moment: float) -> bool:
        """Whether it was away then, and is back."""
        return any(since <= moment <= until for since, until in self._past)


def booted_at() -> float:
    """When this machine was started, in Unix time; 0 where the system does not tell."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.time() - time.clock_gettime(clock) if clock is not None else 0.0
