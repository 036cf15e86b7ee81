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


def status_line(
    held: int, limit: int, queues: Sequence[str], notes: Sequence[str], standing: Sequence[str]
) -> str:
    """What an agent does or waits for that has *held* launches under way and may have *limit*,
    none below 0; *notes* say what is in the way of its queues.
    """
    under_way = f"{held} under way" if held else ""
    parts = [*dict.fromkeys(notes)]  # a pause of the agent is in the way of them all
    if limit == 0:
        parts.append("max_jobs is 0: claims nothing")
    elif 0 < limit <= held:
        under_way = f"{held} of {limit} under way"
    elif not parts:
        parts.append(f"waits for launches in {', '.join(queues)}")
    return "; ".join(part for part in (under_way, *parts, *standing) if part)
