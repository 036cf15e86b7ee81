"""What is stored of a run before it is submitted, and before it is told to end: whoever holds it
next goes on by it.
"""

from dataclasses import dataclass
from typing import ClassVar

from launchkit.codec import decode, plain
from launchkit.model import Json, Limits, Outcome


@dataclass(frozen=True, kw_only=True)
class Intent:
    """What a holder must know of a run that it did not start; a part of an item's `resolved`."""

    __pydantic_config__: ClassVar = {"extra": "ignore"}

    limits: Limits
    """Those in force when it was submitted, whatever the new holder's defaults are."""
    log_base: int = 0
    """Where in the log the run's own output begins, in bytes."""
    submitted_at: float | None = None
    """Unix time, by the queue's clock."""
    ends_as: Outcome | None = None
    """Set before it is told to end: how it has ended when it is gone, whoever sees to that."""

    def fields(self) -> dict[str, object]:
        """As `stored` reads it back."""
        return dict(plain(self))


def stored(resolved: Json | None, limits: Limits) -> Intent:
    """The intent that an earlier holder stored; *limits* hold if it stored none."""
    return decode(Intent, {"limits": limits, **(resolved or {})})
