"""Queues, the items in them, and the agents that work for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from launchkit.model.run import RunState, Verdict
from launchkit.model.spec import STRICT, Json, LaunchSpec, Scalar

Moment: TypeAlias = Annotated[float, Field(ge=0, le=253_402_300_799)]
"""A Unix time up to the year 9999, the last that can be shown."""


class Priority(IntEnum):
    """The order inside a queue with prioritization; the same inside one level is FIFO."""

    CRITICAL = 0
    HIGH = 1
    MEDIUM = 2
    LOW = 3


class ItemState(StrEnum):
    """Where an item is on its way."""

    QUEUED = "queued"
    """Waits to be claimed."""
    CLAIMED = "claimed"
    """An agent holds it and resolves and fetches it."""
    BUILDING = "building"
    """Its image is being built."""
    SUBMITTING = "submitting"
    """The agent is about to hand it to the runner."""
    STARTING = "starting"
    """The runner has it; it does not run yet."""
    RUNNING = "running"
    FINISHED = "finished"
    """It ended well."""
    FAILED = "failed"
    """It ended badly, or could not be started; the verdict tells why."""
    STOPPED = "stopped"
    """Someone stopped it."""
    HELD = "held"
    """It waits for a person."""

    @property
    def ended(self) -> bool:
        """True for a state that never changes again."""
        return self in ENDED


ENDED = frozenset({ItemState.FINISHED, ItemState.FAILED, ItemState.STOPPED})

ENDING_STATES: Mapping[RunState, ItemState] = {
    RunState.FINISHED: ItemState.FINISHED,
    RunState.FAILED: ItemState.FAILED,
    RunState.STOPPED: ItemState.STOPPED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Variable:
    """A template variable: what a launch may put into `{{name}}`, and within which bounds."""

    __pydantic_config__: ClassVar = STRICT

    type: Literal["string", "integer", "number"]
    default: Scalar | None = None
    minimum: float | int | None = None
    maximum: float | int | None = None
    enum: tuple[Scalar, ...] | None = None
    pattern: str | None = None
    """A regular expression that all of a text must be."""
    max_length: int | None = None
    """Characters of a text, at most."""
    description: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """Why nothing is claimed from a queue, since when (Unix time) and until when."""

    reason: str
    by: str
    at: Moment
    until: Moment | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueSpec:
    """What a person decides about a queue."""

    __pydantic_config__: ClassVar = STRICT

    name: str
    resource: str
    config: Json = field(default_factory=dict)
    variables: Mapping[str, Variable] = field(default_factory=dict)
    prioritization: bool = False
    max_concurrent: int | None = None
    """How many of its items may be under way at once, over all agents; None is no limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """A queue as it stands. `version` grows with each edit and guards against lost updates."""

    id: int
    entity: str
    spec: QueueSpec
    version: int
    created_at: float
    updated_at: float
    pause: Pause | None = None

    @property
    def name(self) -> str:
        """The name that users type."""
        return self.spec.name


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueItem:
    """One request in a queue, as it stands."""

    id: str
    run_id: str
    entity: str
    queue: str
    priority: Priority
    spec: LaunchSpec
    state: ItemState
    attempt: int
    created_at: float
    updated_at: float
    started_at: float | None = None
    ended_at: float | None = None
    author: str | None = None
    message: str | None = None
    exit_code: int | None = None
    verdict: Verdict | None = None
    ref: str | None = None
    stop_requested: bool = False
    stop_by: str | None = None
    stop_reason: str | None = None
    stop_now: bool = False
    """Whether it gets no grace."""
    agent: str | None = None
    """The agent that holds or held it."""
    resolved: Json | None = None

    @property
    def name(self) -> str:
        """The run's name: the user's, else its id."""
        return self.spec.name or self.run_id


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentStatus:
    """What an agent says about itself with each heartbeat."""

    name: str
    host: str
    pid: int
    version: str
    entity: str
    queues: tuple[str, ...]
    max_jobs: int
    started_at: Moment
    doing: str = ""
    """What it waits for, in words."""
    builds: bool = True
    """Whether it makes images from code."""
    resources: frozenset[str] | None = None
    """The resource kinds that it can run now; None: it does not say."""
    unable: Mapping[str, str] = field(default_factory=dict)
    """Kinds that it has runners for, but cannot run now, and why; for people."""
    draining: bool = False
    """It claims nothing more, and ends when what is under way has ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentView:
    """An agent as the queue knows it."""

    status: AgentStatus
    seen_at: float
    held: int
    """How many items it holds."""
    online: bool
    draining: bool = False
    """It was told to end."""
    pause: Pause | None = None
    """Why it is given nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One thing that happened to an item."""

    id: int
    item_id: str
    at: float
    kind: Literal["state", "progress", "warning", "stop", "lease", "priority", "queue"]
    actor: str
    attempt: int
    state: ItemState | None = None
    cause: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LogPage:
    """A piece of a run's log: raw bytes from `offset`."""

    offset: int
    data: bytes
    size: int
    """How long the whole log is so far."""
    complete: bool
    """True when nothing will be added after `size`."""
