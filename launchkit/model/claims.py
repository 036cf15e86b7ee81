"""Claims of agents on items, what they report about them, and what they and runs are told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from launchkit.model.names import MOST_LISTED
from launchkit.model.queue import ItemState, Queue, QueueItem
from launchkit.model.run import Verdict
from launchkit.model.spec import Json

LISTED = Field(max_length=MOST_LISTED)
MOST_WARNINGS = 1000
"""Of one report: each is an event."""
ExitCode: TypeAlias = Annotated[int, Field(ge=-(2**31), lt=2**31)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """What an agent tells of the choices of a launch, as people read it: every choice, who made it,
    and the request itself.
    """

    __pydantic_config__: ClassVar = {"extra": "ignore"}

    name: str = ""
    image: str | None = None
    source: Json = field(default_factory=dict)
    command: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    """The names of the variables."""
    config: Json = field(default_factory=dict)
    resource_args: Json = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    request: Json = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """An item that an agent holds under a lease, with the queue as it was."""

    item: QueueItem
    queue: Queue
    token: int
    """The fencing token: each write names it, and a stale one is refused."""
    lease: float
    """Seconds that the lease lasts without a renewal."""
    lapses: int = 0
    """How many holders in a row fell silent before there was a run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentCapacity:
    """Who claims, and for what there is room."""

    agent: str
    site: str
    """Names the machine and directory whose local runs this agent can find again."""
    resources: Annotated[frozenset[str], LISTED]
    """The resource kinds that this agent can run now."""
    unable: Annotated[Mapping[str, str], LISTED] = field(default_factory=dict)
    """Kinds that it has runners for, but cannot run now, and why; for people."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemReport:
    """A new fact about a claimed item. None leaves a field as it is."""

    state: ItemState
    message: str | None = None
    ref: str | None = None
    site: str | None = None
    """Set for a run that only agents of one site can find again."""
    exit_code: ExitCode | None = None
    verdict: Verdict | None = None
    resolved: Json | None = None
    """A `Resolution`, and what the next holder reads."""
    warnings: Annotated[tuple[str, ...], Field(max_length=MOST_WARNINGS)] = ()
    ran: float | None = None
    """Of an end: for how many seconds it ran, if that is known; else it ends as it is told."""
    next_attempt: bool = False
    """With state `queued`: whether this try counts, so that the next one gets a new number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StopOrder:
    """Somebody wants this item's run to end."""

    item_id: str
    by: str
    reason: str | None = None
    now: bool = False
    """It gets no grace."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentOrders:
    """What a heartbeat brings back."""

    stop: Annotated[tuple[StopOrder, ...], LISTED] = ()
    lost: Annotated[frozenset[str], LISTED] = frozenset()
    """Ids of items whose lease somebody else has by now."""
    drain: bool = False
    """The agent should claim nothing more and end."""

    def news_to(self, heard: "AgentOrders") -> bool:
        """Whether there is more in it than what an agent has *heard* already."""
        known = {(order.item_id, order.now) for order in heard.stop}
        stop = any((order.item_id, order.now) not in known for order in self.stop)
        return stop or not self.lost <= heard.lost or (self.drain and not heard.drain)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunView:
    """What a run sees of its own launch."""

    item_id: str
    run_id: str
    name: str
    queue: str
    attempt: int
    state: ItemState
    stop_requested: bool
    config: Json
    outputs: Json = field(default_factory=dict)
