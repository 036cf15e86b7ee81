"""The user's side of a queue: small groups of calls, each an abstract class of its own."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from launchkit.abc.component import Component
from launchkit.model import (
    AgentView,
    Event,
    ItemState,
    JobVersion,
    LaunchSpec,
    LogPage,
    Pause,
    Priority,
    Queue,
    QueueItem,
    QueueSpec,
    Recipe,
)


@dataclass(frozen=True, kw_only=True)
class QueueView:
    """A queue with what is in it."""

    queue: Queue
    counts: dict[ItemState, int]
    """How many items are in each state that has any."""


@dataclass(frozen=True, kw_only=True)
class ItemView:
    """An item, and for one that waits its position (1 is next)."""

    item: QueueItem
    position: int | None = None
    reason: str | None = None
    """Why it waits, what goes on in it, or the code of its verdict."""


@dataclass(frozen=True, kw_only=True)
class LaunchRequest:
    """What `launch` needs beside the queue's name."""

    spec: LaunchSpec
    actor: str
    priority: Priority | None = None
    idempotency_key: str | None = None
    again: str | None = None
    """The id of the launch that this one repeats, for the record."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which items to list; None selects all. Newest first."""

    queue: str | None = None
    states: Collection[ItemState] | None = None
    author: str | None = None
    agent: str | None = None
    """The agent that holds or held it."""
    name: str | None = None
    """A pattern for the run's name, in which `*` is any text and `?` any letter."""
    since: float | None = None
    """Launched at this Unix time or later."""
    limit: int = 100


@dataclass(frozen=True, kw_only=True)
class Stop:
    """An item is to end. One that waits is stopped at once; one that is held by an agent gets the
    wish recorded, and the agent carries it out.
    """

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


Change: TypeAlias = Stop | Hold | Release | SetPriority
"""What a person may want of a launch that exists."""


class Queues(ABC):
    """Queues of one entity."""

    @abstractmethod
    async def create(self, spec: QueueSpec, actor: str) -> Queue:
        """Make a queue. :raises Conflict: if there is one of that name."""

    @abstractmethod
    async def get(self, name: str) -> QueueView:
        """One queue. :raises NotFound: if there is none; the message names what there is."""

    @abstractmethod
    async def list(self) -> Sequence[QueueView]:
        """All queues, by name."""

    @abstractmethod
    async def update(
        self, spec: QueueSpec, actor: str, *, pause: Pause | None, if_version: int | None
    ) -> Queue:
        """Replace what a person decides about a queue, and whether it is paused.

        :raises Conflict: if its version is not *if_version*.
        """

    @abstractmethod
    async def delete(self, name: str, actor: str, *, force: bool) -> int:
        """Remove a queue; gives how many open items were stopped with it.

        :raises Conflict: if it has open items and *force* is not given, or items that an agent
            still holds.
        """


class Jobs(ABC):
    """Jobs of one entity, and the code that they share."""

    @abstractmethod
    async def create(
        self, name: str, recipe: Recipe, actor: str, aliases: Sequence[str]
    ) -> tuple[JobVersion, bool]:
        """Add a version, unless a version is equal; the alias `latest` moves to it. Gives the
        version, and whether it is new.
        """

    @abstractmethod
    async def get(self, reference: str) -> JobVersion:
        """`name`, `name:alias` or `name:vN`. :raises NotFound: if there is none."""

    @abstractmethod
    async def list(self, name: str | None) -> Sequence[JobVersion]:
        """All versions of one job, or the latest one of each."""

    @abstractmethod
    async def has_archive(self, digest: str) -> bool:
        """Whether code with that digest is stored already."""

    @abstractmethod
    async def put_archive(self, digest: str, chunks: AsyncIterator[bytes]) -> None:
        """Store packed code."""


class Launches(ABC):
    """Launches of one entity."""

    @abstractmethod
    async def launch(self, queue: str, request: LaunchRequest) -> QueueItem:
        """Put a request into a queue.

        :raises Rejected: if the queue does not allow what is asked.
        :raises Conflict: if the idempotency key stands for another request.
        """

    @abstractmethod
    async def get(self, ref: str) -> ItemView:
        """One item by item id, run id, or the name of its run if only one has it."""

    @abstractmethod
    async def list(self, selection: Selection) -> Sequence[ItemView]:
        """Items, newest first."""

    @abstractmethod
    async def change(self, item_id: str, change: Change, actor: str) -> QueueItem:
        """Change an item as *actor* wants it; one that is so already stays as it is.

        :raises Conflict: if its state does not allow it.
        :raises Rejected: if it is given a priority, and its queue has no prioritization.
        """

    @abstractmethod
    async def changed(self, item_id: str | None, since: int, wait: float) -> Sequence[Event]:
        """The events of an item with an id above *since*; waits up to *wait* seconds for one.
        With None the newest such events of all items.
        """

    async def stop(self, item_id: str, actor: str, reason: str | None) -> QueueItem:
        """`change` with `Stop`."""
        return await self.change(item_id, Stop(reason=reason), actor)


class Logs(ABC):
    """What runs printed."""

    @abstractmethod
    async def read(self, item_id: str, attempt: int | None, offset: int, wait: float) -> LogPage:
        """A piece of the log of one attempt (None: the latest) from *offset*; waits up to *wait*
        seconds if nothing is there yet.
        """


class Hub(Component):
    """The user's side of one queue service, for one entity."""

    seam: ClassVar[str] = "hub"

    @abstractmethod
    def queues(self) -> Queues:
        """Queues."""

    @abstractmethod
    def jobs(self) -> Jobs:
        """Jobs and packed code."""

    @abstractmethod
    def launches(self) -> Launches:
        """Launches."""

    @abstractmethod
    def logs(self) -> Logs:
        """Logs."""

    @abstractmethod
    async def agents(self) -> Sequence[AgentView]:
        """The agents that were seen lately."""
