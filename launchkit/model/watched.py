"""What is observed of a run, and how it ended."""

from dataclasses import dataclass

from launchkit.model.run import RunState, Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class RunStatus:
    """One observation of a run."""

    state: RunState
    message: str | None = None
    exit_code: int | None = None
    verdict: Verdict | None = None
    placed: bool = True
    """False: it waits for a place, such as a quota or a machine, and its start has not begun."""
    placed_at: float | None = None
    """Unix time at which it got its place, if the infrastructure tells; else it was submitted so.
    """
    ran: float | None = None
    """Of an end: the seconds since its start, by one clock of the infrastructure, if that tells;
    else it ended when that was seen.
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a launch ended."""

    state: RunState
    verdict: Verdict
    exit_code: int | None = None
    ran: float | None = None
    """Seconds, if they are known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LogChunk:
    """Raw bytes of a run's output, and the offset of the first of them."""

    offset: int
    data: bytes
