"""What people send, and what they get."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from launchkit.abc import (
    AgentChange,
    Change,
    Drain,
    GiveUp,
    Hold,
    LaunchRequest,
    Move,
    Order,
    PauseAgent,
    Release,
    ResumeAgent,
    Selection,
    SetPriority,
    Stop,
)
from launchkit.errors import Rejected
from launchkit.model import (
    ItemState,
    JobVersion,
    Json,
    LaunchSpec,
    Pause,
    Priority,
    QueueSpec,
    Recipe,
)
from launchkit.wire.names import Cursor, Name

T = TypeVar("T")

MAX_ITEMS = 1000
"""How many items one answer lists."""
MAX_CHANGES = 500
"""How many items one request changes."""


@dataclass(frozen=True, kw_only=True)
class QueueUpdate:
    """What a queue is to be."""

    spec: QueueSpec
    pause: Pause | None = None


@dataclass(frozen=True, kw_only=True)
class QueueDeleted:
    """How many open items were stopped with it."""

    stopped: int


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """A version of a job."""

    recipe: Recipe
    aliases: tuple[Name, ...] = ()


@dataclass(frozen=True, kw_only=True)
class JobAnswer:
    """The version, and whether it is a new one."""

    version: JobVersion
    new: bool


@dataclass(frozen=True, kw_only=True)
class ArchiveKnown:
    """Whether packed code is stored whole, and how much of it is."""

    known: bool
    size: int = 0
    """Bytes that are there from the start: the rest may be sent alone."""


@dataclass(frozen=True, kw_only=True)
class LaunchBody:
    """A request for a queue. Whose it is, the token says."""

    spec: LaunchSpec
    priority: Priority | None = None
    idempotency_key: Name | None = None
    again: Name | None = None

    def request(self, actor: str) -> LaunchRequest:
        """The request, as *actor* makes it."""
        return LaunchRequest(
            spec=self.spec,
            actor=actor,
            priority=self.priority,
            idempotency_key=self.idempotency_key,
            again=self.again,
        )


@dataclass(frozen=True, kw_only=True)
class ChangeBody:
    """A change of an item; `kind` says which, and which of the other keys count."""

    kind: Literal["stop", "give_up", "hold", "release", "priority", "move"]
    reason: str | None = None
    level: Priority | None = None
    queue: Name | None = None
    now: bool = False
    """Of a stop: without the grace in which it may end by itself."""

    @classmethod
    def of(cls, change: Change) -> "ChangeBody":
        """A change as it is sent."""
        match change:
            case Stop(reason=reason, now=now):
                return cls(kind="stop", reason=reason, now=now)
            case GiveUp(reason=reason):
                return cls(kind="give_up", reason=reason)
            case Hold(reason=reason):
                return cls(kind="hold", reason=reason)
            case Release():
                return cls(kind="release")
            case SetPriority(level=level):
                return cls(kind="priority", level=level)
            case Move(queue=queue):
                return cls(kind="move", queue=queue)

    def change(self) -> Change:
        """The change that was sent. :raises Rejected: if it lacks what its kind needs."""
        if self.kind == "stop":
            return Stop(reason=self.reason, now=self.now)
        if self.kind == "give_up":
            return GiveUp(reason=self.reason)
        if self.kind == "release":
            return Release()
        if self.kind == "hold":
            return Hold(reason=_given(self.reason, "reason", "hold"))
        if self.kind == "move":
            return Move(queue=_given(self.queue, "queue", "move"))
        return SetPriority(level=_given(self.level, "level", "priority"))


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which items are to be changed; None selects all."""

    queue: Name | None = None
    states: tuple[ItemState, ...] | None = None
    author: Name | None = None
    not_queue: Name | None = None
    not_author: Name | None = None
    agent: Name | None = None
    name: Name | None = None
    since: float | None = None
    order: Order = "oldest"
    reverse: bool = False
    after: Cursor | None = None
    limit: Annotated[int, Field(ge=0, le=MAX_CHANGES)] = MAX_CHANGES

    @classmethod
    def of(cls, selection: Selection) -> "Filter":
        """A selection as it is sent."""
        states = None if selection.states is None else tuple(selection.states)
        return cls(**{**vars(selection), "states": states})

    def selection(self) -> Selection:
        """The selection that was sent."""
        return Selection(**vars(self))


@dataclass(frozen=True, kw_only=True)
class ChangesBody:
    """A change of all items that a filter matches, each for itself."""

    filter: Filter
    change: ChangeBody


@dataclass(frozen=True, kw_only=True)
class RequeuesBody:
    """All items that a filter matches are to go back into their queues."""

    filter: Filter
    idempotency_key: Name | None = None
    """What has ended is launched again once per key."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one item of many."""

    id: str
    refused: str | None = None
    """Why it stays as it was; None: it is as it was wanted."""
    again: str | None = None
    """The id of the new launch, if it was launched again."""


@dataclass(frozen=True, kw_only=True)
class QueueConfig:
    """A config with template fields."""

    config: Json


@dataclass(frozen=True, kw_only=True)
class QueueCheck:
    """What a queue's config was shown to."""

    runner: str | None
    """The kind of the runner that looked at it; None if no such runner is installed there."""


@dataclass(frozen=True, kw_only=True)
class KindView:
    """A kind of runner that is installed at the service, with help for its queues' configs."""

    kind: str
    aliases: tuple[str, ...]
    config_schema: dict[str, Any]
    starter_config: str


@dataclass(frozen=True, kw_only=True)
class Output:
    """A piece of what a launch printed."""

    attempt: int
    offset: int
    """Of its first byte."""
    text: str


@dataclass(frozen=True, kw_only=True)
class AgentChangeBody:
    """A change of an agent; a pause needs a reason."""

    kind: Literal["drain", "pause", "resume"]
    reason: str | None = None

    @classmethod
    def of(cls, change: AgentChange) -> "AgentChangeBody":
        """A change as it is sent."""
        match change:
            case Drain():
                return cls(kind="drain")
            case PauseAgent(reason=reason):
                return cls(kind="pause", reason=reason)
            case ResumeAgent():
                return cls(kind="resume")

    def change(self) -> AgentChange:
        """The change that was sent. :raises Rejected: if it lacks what its kind needs."""
        if self.kind == "drain":
            return Drain()
        if self.kind == "resume":
            return ResumeAgent()
        return PauseAgent(reason=_given(self.reason, "reason", "pause"))


def _given(value: T | None, key: str, kind: str) -> T:
    if value is None:
        raise Rejected(f"{key}: a change of the kind {kind} needs it")
    return value
