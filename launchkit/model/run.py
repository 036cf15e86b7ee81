"""Runs: where they are, and why they ended."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from launchkit.model.names import MOST_LISTED


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
    evidence: Annotated[tuple[str, ...], Field(max_length=MOST_LISTED)] = ()
    hint: str | None = None
