"""What agents send, and what they get. What is not known is left out of account, so that a newer
agent may say more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from launchkit.model import (
    AgentCapacity,
    AgentOrders,
    AgentStatus,
    Claim,
    ItemReport,
)
from launchkit.model.claims import LISTED
from launchkit.model.names import LONGEST_LOCK_BYTES
from launchkit.wire.names import Name

MAX_LOCK_SECONDS = 3600.0
"""A lock that is not renewed is free after an hour at the latest."""


@dataclass(frozen=True, kw_only=True)
class RegisterRequest:
    """Begin the session of an agent, in the place of one of the same name."""

    status: AgentStatus
    session: Name
    """Made by the agent for its life; each of its later requests names it."""


@dataclass(frozen=True, kw_only=True)
class RegisterAnswer:
    """What the agent works by."""

    lease: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Seconds that a claim lives without a sign of life."""
    now: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """Unix time by the queue's clock."""


@dataclass(frozen=True, kw_only=True)
class ClaimRequest:
    """Take the next item of a queue."""

    queue: Name
    capacity: AgentCapacity
    claim_id: Name
    """Made for this claim alone: sent again it gives the same claim, while that is held."""
    session: Name | None = None


@dataclass(frozen=True, kw_only=True)
class ClaimAnswer:
    """The claim, if there was one to be had."""

    claim: Claim | None


@dataclass(frozen=True, kw_only=True)
class WaitRequest:
    """Wait until one of some queues may give something."""

    queues: Annotated[tuple[Name, ...], LISTED]
    capacity: AgentCapacity
    wait: float
    """Seconds."""
    paused: Annotated[Mapping[Name, bool], LISTED] = field(default_factory=dict)
    """Whether the agent knows of a pause, its own or theirs, for each that it was told of: that
    this has changed is worth a claim.
    """
    session: Name | None = None


@dataclass(frozen=True, kw_only=True)
class WaitAnswer:
    """The queues that are worth a claim."""

    queues: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Hold:
    """A claim as later requests name it."""

    item_id: Name
    token: int


@dataclass(frozen=True, kw_only=True)
class BeatRequest:
    """A sign of life."""

    status: AgentStatus
    held: Annotated[tuple[Hold, ...], LISTED]
    heard: AgentOrders = field(default_factory=AgentOrders)
    """The orders that came with its last beat: it waits for others."""
    wait: float = 0.0
    """Seconds."""
    session: Name | None = None


@dataclass(frozen=True, kw_only=True)
class ReportRequest:
    """A new fact about a claimed item."""

    token: int
    report: ItemReport


@dataclass(frozen=True, kw_only=True)
class RunTokenRequest:
    """Make the token of a claimed attempt, which its run gets."""

    token: int
    """The claim's."""


@dataclass(frozen=True, kw_only=True)
class RunToken:
    """The secret itself: it is told here alone."""

    secret: str

    def __repr__(self) -> str:
        return "RunToken(…)"


@dataclass(frozen=True, kw_only=True)
class BlockedRequest:
    """Ask why a queue gives nothing."""

    queue: Name
    capacity: AgentCapacity


@dataclass(frozen=True, kw_only=True)
class BlockedAnswer:
    """In words."""

    reason: str | None
    paused: bool = False
    """Whether that is a pause of the queue or the agent."""


@dataclass(frozen=True, kw_only=True)
class LogSize:
    """Bytes of an attempt's output that are stored."""

    size: int


@dataclass(frozen=True, kw_only=True)
class LockRequest:
    """Take, renew or give back a lock."""

    name: Annotated[str, Field(max_length=LONGEST_LOCK_BYTES)]
    holder: Annotated[str, Field(max_length=LONGEST_LOCK_BYTES)]
    """The agent's name, then `/` and what tells its holders apart."""
    seconds: Annotated[float, Field(ge=0, le=MAX_LOCK_SECONDS, allow_inf_nan=False)] = 0.0
    session: Name | None = None
    """The agent's registration: one that was replaced takes no lock any more."""


@dataclass(frozen=True, kw_only=True)
class LockWait:
    """Wait until a lock may be had."""

    name: Annotated[str, Field(max_length=LONGEST_LOCK_BYTES)]
    wait: float
    """Seconds."""


@dataclass(frozen=True, kw_only=True)
class LockAnswer:
    """Whether the one who asked holds it now."""

    held: bool


@dataclass(frozen=True, kw_only=True)
class OverRequest:
    """Which of these attempts are over."""

    attempts: Annotated[Mapping[Name, int], LISTED]
    """The id of an item → its attempt."""


@dataclass(frozen=True, kw_only=True)
class OverAnswer:
    """Those that are."""

    items: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class LeaveRequest:
    """An agent has ended."""

    agent: Name
    dead: bool
    session: Name | None = None
    """Of the agent that ended, if that is known: a later one of its name is not forgotten."""
