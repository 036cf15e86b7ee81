"""A machine's clock that is set while its queue is in use: what is held stays held for as long as
it was to be.

How far the clock is ahead of one that nobody sets is kept in the file. Whoever writes next after a
step moves what counts from now by as much, before anything else.
"""

import sqlite3
import time
from pathlib import Path

from launchkit.store.ticks import ticks

STEP_SECONDS = 2.0
"""Clocks that drift are moved along with; a step is more than that."""
MADE = "create table if not exists clock (boot text not null, ahead real not null)"
MOVED = (
    """update item set lease_until = lease_until + :step, started_at = started_at + :step
    where lease_until is not null""",
    """update item set resolved = json_set(
        resolved, '$.submitted_at', json_extract(resolved, '$.submitted_at') + :step)
    where lease_until is not null and json_extract(resolved, '$.submitted_at') is not null""",
    "update agent set seen_at = seen_at + :step where seen_at > 0",
    "update lock set until = until + :step",
)


class ClockSteps:
    """What one writer knows of the clock of its machine."""

    def __init__(self) -> None:
        self._boot = _boot()
        self._known: float | None = None

    def look(self, connection: sqlite3.Connection) -> float:
        """Look within a transaction that writes, and move what is to be moved; gives how far the
        clock is ahead. The transaction goes by that, for the clock may be set again meanwhile, and
        it is kept once all is committed.
        """
        ahead = time.time() - ticks()
        if self._boot is None or not self._news(ahead):
            return ahead
        connection.execute(MADE)
        row = connection.execute("select ahead from clock where boot = ?", [self._boot]).fetchone()
        if row is None or _apart(ahead, row["ahead"]):
            connection.execute("delete from clock")
            connection.execute("insert into clock values (?, ?)", [self._boot, ahead])
            for statement in MOVED if row is not None else ():
                connection.execute(statement, {"step": ahead - row["ahead"]})
        return ahead

    def keep(self, ahead: float) -> None:
        """What was moved is committed."""
        if self._news(ahead):
            self._known = ahead

    def _news(self, ahead: float) -> bool:
        return self._known is None or _apart(ahead, self._known)


def clock_ahead(ahead: float) -> float:
    """The time of a clock that is ahead of the ticks by so many seconds."""
    return ticks() + ahead


def _apart(one: float, other: float) -> bool:
    return abs(one - other) > STEP_SECONDS


def _boot() -> str | None:
    """Which start of the machine this is: its ticks begin anew each time. None where that is not
    told, and clocks are believed.
    """
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
