"""The user's side of a queue: small groups of calls, each an abstract class of its own."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from launchkit.abc.component import Component
from launchkit.errors import Conflict, NotFound, Rejected
from launchkit.model import (
    AgentView,
    Event,
    ItemState,
    JobVersion,
    Json,
    LaunchSpec,
    LogPage,
    Pause,
    Priority,
    Queue,
    QueueItem,
    QueueSpec,
    Recipe,
)

if TYPE_CHECKING:
    from launchkit.abc.changes import AgentChange, Change, Changed

PAGE = 500
"""How many items are asked for in one go."""


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
    outputs: Json = field(default_factory=dict)
    """What its latest attempt has told of itself; not in lists."""
    cursor: str | None = None
    """What `Selection.after` takes for the page behind it, in the order of the list that has it."""
    cut: bool = False
    """Whether a page ends behind it though more was asked for and is there: a page holds only so
    many bytes.
    """


@dataclass(frozen=True, kw_only=True)
class LaunchRequest:
    """What `launch` needs beside the queue's name."""

    spec: LaunchSpec
    actor: str
    priority: Priority | None = None
    idempotency_key: str | None = None
    again: str | None = None
    """The id of the launch that this one repeats, for the record."""

    @classmethod
    def repeating(
        cls, item: QueueItem, queue: QueueSpec, actor: str, key: str | None = None
    ) -> "LaunchRequest":
        """The request of *item* once more, in its queue as that is now, by *actor*."""
        return cls(
            spec=replace(item.spec, author=None),
            actor=actor,
            priority=item.priority if queue.prioritization else None,
            idempotency_key=key,
            again=item.id,
        )


Order: TypeAlias = Literal[
    "newest", "oldest", "line", "queue", "author", "state", "priority", "waited", "ran"
]
SORTED = 10_000
"""How many launches an order by value sorts: the newest that match."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which items to list; None selects all."""

    queue: str | None = None
    states: Collection[ItemState] | None = None
    author: str | None = None
    not_queue: str | None = None
    """Of any queue but this one."""
    not_author: str | None = None
    """By anybody but this author, or by nobody who is known."""
    agent: str | None = None
    """The agent that holds or held it."""
    name: str | None = None
    """A pattern for the run's name, in which `*` is any text and `?` any letter."""
    since: float | None = None
    """Launched at this Unix time or later."""
    order: Order = "newest"
    """`newest` or `oldest` first, or in `line`: as they are claimed from one queue. The others go
    by value, and sort the newest `SORTED` that match: by `queue`, `author` or `state` (on its
    way), most urgent `priority` first, or what `waited` or `ran` longest first.
    """
    reverse: bool = False
    """The same order the other way round."""
    after: str | None = None
    """The id of an item, or in an order by value its `cursor`: only those behind it in this order,
    for the next page of a list.
    """
    limit: int = 100


class Queues(ABC):
    """Queues of one entity."""

    @abstractmethod
    async def create(self, spec: QueueSpec, actor: str) -> Queue:
        """Make a queue. :raises Conflict: if there is one of that name."""

    @abstractmethod
    async def get(self, name: str) -> QueueView:
        """One queue. :raises NotFound: if there is none; the message names what there is."""

    async def find(self, name: str) -> Queue:
        """The same without what is in it. Override where counting that takes long after many
        launches.
        """
        return (await self.get(name)).queue

    @abstractmethod
    async def list(self) -> Sequence[QueueView]:
        """All queues, by name."""

    @abstractmethod
    async def update(
        self, spec: QueueSpec, actor: str, *, pause: Pause | None, if_version: int | None
    ) -> Queue:
        """Replace what a person decides about a queue, and whether it is paused; its version counts
        up by one.

        :raises NotFound: if there is none of that name.
        :raises Stale: if its version is not *if_version*; None is any version.
        """

    @abstractmethod
    async def delete(self, name: str, actor: str, *, force: bool) -> int:
        """Remove a queue; gives how many open items were stopped with it. Its items stay visible,
        and its name is free. Of many, some are stopped before others: what ends it in the midst
        tells how many were.

        :raises NotFound: if there is none.
        :raises Conflict: if it has open items and *force* is not given, or items that an agent
            still holds.
        """


class Jobs(ABC):
    """Jobs of one entity, and the code that they share."""

    @abstractmethod
    async def create(
        self, name: str, recipe: Recipe, actor: str, aliases: Sequence[str]
    ) -> tuple[JobVersion, bool]:
        """Add a version, unless a version is equal; *aliases* and the alias `latest` move to it,
        also if it is there already. Gives the version, and whether it is new.
        """

    @abstractmethod
    async def get(self, reference: str) -> JobVersion:
        """`name`, `name:alias` or `name:vN`. :raises NotFound: if there is none."""

    async def list(self, name: str | None) -> Sequence[JobVersion]:
        """All versions of one job, or the latest one of each."""
        found: list[JobVersion] = []
        after = None
        while page := await self.page(name, after):
            if found and page[0] == found[0]:
                break  # a service that knows no pages gives all, and gives it again
            found += page
            after = page[-1].name if name is None else f"v{page[-1].version}"
        return found

    @abstractmethod
    async def page(self, name: str | None, after: str | None) -> Sequence[JobVersion]:
        """The versions of one job behind the version *after*, newest first, or the latest one of
        each job behind that name: some of them, and none behind the last.
        """

    @abstractmethod
    async def has_archive(self, digest: str) -> bool:
        """Whether code with that digest is stored already."""

    @abstractmethod
    async def put_archive(self, digest: str, chunks: AsyncIterator[bytes]) -> None:
        """Store packed code; it is known once all of it is there, and stored again without harm."""


class Launches(ABC):
    """Launches of one entity."""

    @abstractmethod
    async def launch(self, queue: str, request: LaunchRequest) -> QueueItem:
        """Put a request into a queue. One with an idempotency key is launched once, also when its
        launch has ended meanwhile.

        :raises NotFound: if there is no such queue.
        :raises Rejected: if the queue does not allow what is asked.
        :raises Conflict: if the idempotency key stands for another request.
        """

    @abstractmethod
    async def get(self, ref: str) -> ItemView:
        """One item by item id, run id, or the name of its run if only one has it.

        :raises NotFound: if there is none.
        :raises Conflict: if several have that name.
        """

    @abstractmethod
    async def page(self, selection: Selection) -> Sequence[ItemView]:
        """Items in the order that is asked for, each with its `cursor`: up to the limit, which is
        `PAGE` at most, or fewer of which the last is `cut`.
        """

    async def pages(self, selection: Selection) -> AsyncIterator[Sequence[ItemView]]:
        """All that *selection* matches, up to its limit, a page at a time."""
        left, after = selection.limit, selection.after
        while left > 0:
            limit = min(PAGE, left)
            page = await self.page(replace(selection, after=after, limit=limit))
            yield page
            if not page or (len(page) < limit and not page[-1].cut):
                break
            left, after = left - len(page), page[-1].cursor or page[-1].item.id

    async def list(self, selection: Selection) -> Sequence[ItemView]:
        """All that *selection* matches, up to its limit, in the order that is asked for."""
        return [view async for page in self.pages(selection) for view in page]

    @abstractmethod
    async def change(self, item_id: str, change: "Change", actor: str) -> QueueItem:
        """Change an item as *actor* wants it; one that is so already stays as it is.

        :raises NotFound: if there is none, or no queue to move it to.
        :raises Conflict: if its state does not allow it.
        :raises Rejected: if it is given a priority, and its queue has no prioritization; or is to
            move to a queue that does not allow what it asks.
        """

    @abstractmethod
    async def changed(self, item_id: str | None, since: int, wait: float) -> Sequence[Event]:
        """The events of an item with an id above *since*, in order; waits up to *wait* seconds if
        there is none, and may wake for nothing, but not always. With None the newest such events
        of all items.
        """

    async def stop(
        self, item_id: str, actor: str, reason: str | None, *, now: bool = False
    ) -> QueueItem:
        """`change` with `Stop`."""
        from launchkit.abc.changes import Stop

        return await self.change(item_id, Stop(reason=reason, now=now), actor)

    async def change_all(
        self, selection: Selection, change: "Change", actor: str
    ) -> "Sequence[Changed]":
        """Change all items that *selection* matches, at most its limit, each for itself: one that
        cannot be changed is in nobody's way.
        """
        found = [view.item.id async for page in self.pages(selection) for view in page]
        return [await self._change(item_id, change, actor) for item_id in found]

    async def _change(self, item_id: str, change: "Change", actor: str) -> "Changed":
        from launchkit.abc.changes import Changed

        try:
            await self.change(item_id, change, actor)
        except (NotFound, Conflict, Rejected) as exc:
            return Changed(id=item_id, refused=exc.message)
        return Changed(id=item_id)


class Logs(ABC):
    """What runs printed."""

    @abstractmethod
    async def read(self, item_id: str, attempt: int | None, offset: int, wait: float) -> LogPage:
        """A piece of the log of one attempt (None: the latest) from *offset*; waits up to *wait*
        seconds if nothing is there yet, and may wake for nothing, but not always. It is complete
        when the item, or that attempt, has ended.

        :raises NotFound: if there is no such item.
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
        """The agents that were seen lately, and those that are paused."""

    @abstractmethod
    async def change_agent(self, name: str, change: "AgentChange", actor: str) -> None:
        """Change an agent as *actor* wants it; one that is so already stays as it is.

        :raises NotFound: if none of that name was seen lately; the message names those that were.
        """
