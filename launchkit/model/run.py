"""Runs: what is observed of them, and how they end."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class RunState(StrEnum):
    """What a runner sees of a run."""

    STARTING = "starting"
    RUNNING = "running"
    FINISHED = "finished"
    """Ended with success."""
    FAILED = "failed"
    STOPPED = "stopped"
    """Ended because it was told to."""
    PREEMPTED = "preempted"
    """The infrastructure took its place away; it may run again."""

    @property
    def ended(self) -> bool:
        """True when it will not change again."""
        return self not in {RunState.STARTING, RunState.RUNNING}


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Why a run ended: a stable code, a sentence, the evidence, and what to do next."""

    __pydantic_config__: ClassVar = {"extra": "ignore"}

    code: str
    summary: str
    evidence: tuple[str, ...] = ()
    hint: str | None = None


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
