"""What all requests share: the database, who may do what, and how long one may wait."""

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Annotated

from anyio import CapacityLimiter
from fastapi import Depends, Request

from launchkit.long_work import LongWork
from launchkit.model import QueueItem
from launchkit.resolving.nested import is_long
from launchkit.resolving.secret_values import item_without_secrets
from launchkit.store.database import Database
from launchkit.store.tokens import Proofs
from launchkit.store.topics import EVERYTHING
from launchkit.wire.protocol import MAX_WAIT_SECONDS
from launchkit_server.archives import MOST, Archives
from launchkit_server.blobs import Blobs
from launchkit_server.key_file import KeyFile
from launchkit_server.lines import Lines
from launchkit_server.logs import ServedLogs
from launchkit_server.seen_queues import SeenQueues
from launchkit_server.shares import (
    ALL_EXCHANGES,
    ANSWERS,
    BODIES,
    EXCHANGES,
    STRANGERS,
    STRANGERS_IN_LINE,
    STREAMS,
    TRANSFERS,
    WAITS,
    InTurn,
    Shares,
)
from launchkit_server.told import Told
from launchkit_server.turns import Turns

if TYPE_CHECKING:
    from launchkit_server.oidc.provider import Provider

LOOKING = 2
"""How many of those who are woken look at once; fewer than there are connections to a database."""
RENDERING = 2
"""How many pages are made at once beside those that are answered: one may take a second."""


@dataclass(kw_only=True)
class Service:
    """One queue service over one open database."""

    database: Database
    webhook_key: KeyFile
    """What webhooks are signed with."""
    blobs: Blobs | None = None
    """Where large things are kept; None is the database."""
    max_archive: int = MOST
    """Bytes of packed code, compressed."""
    oidc: "Provider | None" = None
    """By whom people sign in to the web app; None: by tokens alone."""
    lease: float = 60.0
    """Seconds that a claim lives without a sign of life from its agent."""
    told: Told = field(init=False, default_factory=Told)
    """Of what agents that wait were told."""
    lines: Lines = field(init=False, default_factory=Lines)
    """Agents that wait for the same."""
    proofs: Proofs = field(init=False)
    """Whose tokens they are that come."""
    looking: CapacityLimiter = field(init=False, default_factory=lambda: CapacityLimiter(LOOKING))
    """Keeps those who are woken and look from being in the way of those who come and claim."""
    parsing: LongWork = field(init=False, default_factory=LongWork)
    """Keeps those who send much from being in the way of all others: of each entity, one after the
    other, and of each who sends long forms.
    """
    rendering: CapacityLimiter = field(
        init=False, default_factory=lambda: CapacityLimiter(RENDERING)
    )
    """Keeps those who look at large pages from being in the way of all others."""
    seen_queues: SeenQueues = field(init=False)
    """What is known of the secrets in queues."""
    following: CapacityLimiter = field(init=False, default_factory=lambda: CapacityLimiter(LOOKING))
    """The same for those who follow what happens: each event wakes all of them."""
    turns: Turns = field(init=False, default_factory=Turns)
    """In which long bodies are read."""
    bodies: Shares = field(init=False, default_factory=lambda: Shares(BODIES, "long bodies"))
    streams: Shares = field(init=False, default_factory=lambda: Shares(STREAMS, "streams"))
    exchanges: Shares = field(
        init=False,
        default_factory=lambda: Shares(EXCHANGES, "sign-ins by the provider", ALL_EXCHANGES),
    )
    waits: Shares = field(init=False, default_factory=lambda: Shares(WAITS, "requests that wait"))
    strangers: InTurn = field(
        init=False, default_factory=lambda: InTurn(STRANGERS, "requests", STRANGERS_IN_LINE)
    )
    """Requests that prove nothing."""
    answers: InTurn = field(init=False, default_factory=lambda: InTurn(ANSWERS, "large answers"))
    transfers: InTurn = field(init=False, default_factory=lambda: InTurn(TRANSFERS, "transfers"))
    _ending: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.proofs = Proofs(self.database)
        self.seen_queues = SeenQueues(self.parsing)

    def archives(self, database: Database) -> Archives:
        """Packed code in *database*, which is this one as somebody may write it."""
        return Archives(database, self.blobs, self.max_archive)

    def logs(self, database: Database, entity: str) -> ServedLogs:
        """What the runs of an entity printed, by who has that database."""
        return ServedLogs(database, self.blobs, entity)

    @property
    def ending(self) -> bool:
        """Whether the service is about to end, so that nobody may wait any more."""
        return self._ending

    async def shown(self, item: QueueItem) -> QueueItem:
        """A launch as those who are not operators see it, made beside all that is answered."""
        work = partial(item_without_secrets, item)
        return await self.parsing.run(item.entity, work, is_long=is_long(item.resolved))

    def patience(self, wanted: float) -> float:
        """How long a request may wait that wants to wait for so many seconds."""
        return 0.0 if self._ending else max(0.0, min(wanted, MAX_WAIT_SECONDS))

    def hand_back(self) -> None:
        """Let all that wait be answered now."""
        self._ending = True
        self.database.topics.publish([EVERYTHING])


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


TheService = Annotated[Service, Depends(_service)]
