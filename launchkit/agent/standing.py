"""How an agent stands with its queue: whether it is heard there, and by which clock."""

from collections.abc import Sequence

import anyio

from launchkit.abc.backend import SKEW_HINT, SKEW_SECONDS, skewed
from launchkit.observe import Journal


class Standing:
    """What its heartbeats tell of the queue."""

    def __init__(self, lease: float, log: Journal) -> None:
        self._lease = lease
        self._log = log
        self._heard_at: float | None = None
        self._outage = ""
        self._skew = ""

    @property
    def words(self) -> Sequence[str]:
        """What a status line should say of it."""
        return [text for text in (self._outage, self._skew) if text]

    @property
    def lapsed(self) -> bool:
        """Whether the queue has heard nothing for as long as a lease lives."""
        heard_at = self._heard_at
        return heard_at is not None and anyio.current_time() - heard_at > self._lease

    def heard(self, skew: float | None) -> None:
        """The queue has heard the agent; its clock is ahead by *skew* seconds, if that is known."""
        self._heard_at, self._outage = anyio.current_time(), ""
        said, self._skew = self._skew, ""
        if skew is not None and abs(skew) >= SKEW_SECONDS:
            self._skew = skewed(skew)
            if not said:
                self._log.warning("%s; %s", self._skew, SKEW_HINT, action="clock")

    def missed(self, exc: Exception) -> None:
        """A sign of life has not come through."""
        self._outage = f"the queue does not hear this agent: {exc}; trying again"
