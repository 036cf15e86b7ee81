"""What people may want of launches and agents that are there."""

from dataclasses import dataclass
from typing import TypeAlias

from launchkit.model import Priority


@dataclass(frozen=True, kw_only=True)
class Stop:
    """An item is to end. One that waits is stopped at once; one that is held by an agent gets the
    wish recorded, and the agent carries it out.
    """

    reason: str | None = None
    now: bool = False
    """Without the grace in which it may end by itself; also where it was asked to stop before."""


@dataclass(frozen=True, kw_only=True)
class GiveUp:
    """An item whose agent fell silent ends as failed, though nobody can look at its run."""

    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Hold:
    """An item that is queued is not to be claimed until a person releases it."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Release:
    """An item that is held goes back into its queue, at the place that it had."""


@dataclass(frozen=True, kw_only=True)
class SetPriority:
    """An item that waits gets another priority."""

    level: Priority


@dataclass(frozen=True, kw_only=True)
class Move:
    """An item that waits goes to another queue, at the place of the time of its launch."""

    queue: str


Change: TypeAlias = Stop | GiveUp | Hold | Release | SetPriority | Move
"""What a person may want of a launch that exists."""


@dataclass(frozen=True, kw_only=True)
class Changed:
    """What became of one item of many that were to be changed."""

    id: str
    refused: str | None = None
    """Why it stays as it was; None: it is as it was wanted."""


@dataclass(frozen=True, kw_only=True)
class Drain:
    """An agent is to claim nothing more, and to end with what it has under way."""


@dataclass(frozen=True, kw_only=True)
class PauseAgent:
    """An agent is given nothing until it is resumed, also after it was started again. What it has
    under way goes on.
    """

    reason: str


@dataclass(frozen=True, kw_only=True)
class ResumeAgent:
    """An agent that was paused is given launches again."""


AgentChange: TypeAlias = Drain | PauseAgent | ResumeAgent
"""What a person may want of an agent."""
