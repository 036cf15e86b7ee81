"""The agent's side of the store."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import ClassVar
from uuid import uuid4

import anyio

from launchkit.abc import (
    Finding,
    QueueBackend,
    Site,
)
from launchkit.abc.backend import SKEW_HINT, SKEW_SECONDS, skewed
from launchkit.aio.topics import Subscription
from launchkit.model import (
    AgentCapacity,
    AgentOrders,
    AgentStatus,
    Claim,
    ItemReport,
)
from launchkit.resolving.queue_checks import check_length
from launchkit.store import agents, claims, hindrance, jobs, locks, logs, queues, topics
from launchkit.store.access import look_at
from launchkit.store.database import PATIENCE_SECONDS, STATEMENT_SECONDS, Database
from launchkit.store.opening import database_of
from launchkit.store.sqlite_file import file_of


@dataclass(kw_only=True)
class StoreBackend(QueueBackend):
    """The agent's side of a queue in a SQLite file or a PostgreSQL database."""

    kind = "sqlite"
    trusts_all = True
    aliases: ClassVar[tuple[str, ...]] = ("postgresql", "postgres")

    url: str
    entity: str
    lease: float = 30.0
    """Seconds that a claim lives without a sign of life from its agent."""
    clock: Callable[[], float] | None = field(init=False, repr=False, default=None)
    """Gives Unix time instead of the database; tests set their own before `start`."""
    _database: Database = field(init=False, repr=False)
    _stack: AsyncExitStack = field(init=False, repr=False)
    _subscriptions: dict[str, Subscription] = field(init=False, repr=False, default_factory=dict)
    _sessions: dict[str, str] = field(init=False, repr=False, default_factory=dict)
    _heard: AgentOrders = field(init=False, repr=False, default_factory=AgentOrders)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Open the database for the agent's life. :raises ConfigError: if the entity's name is too
        long.
        """
        check_length("entity", self.entity)
        self._database = database_of(
            self.url,
            self.clock,
            patience=min(PATIENCE_SECONDS, self.lease / 3),
            seconds=min(STATEMENT_SECONDS, self.lease / 3),
        )
        await stack.enter_async_context(self._database.opened())
        self._stack = stack

    async def check(self) -> Sequence[Finding]:
        """Compare the clocks, or look who may read the file."""
        if not self.url.startswith("sqlite:"):
            skew = self._database.skew
            if abs(skew) < SKEW_SECONDS:
                return ()
            message = skewed(skew)
            return (Finding(level="warning", subject="clock", message=message, hint=SKEW_HINT),)
        found = await anyio.to_thread.run_sync(look_at, file_of(self.url))
        return (found,) if found else ()

    async def register(self, status: AgentStatus) -> None:
        """Begin a session, in the place of an agent of the same name: what that held is free."""
        session = uuid4().hex
        await self._database.write(agents.Register(self.entity, status, session))
        self._sessions[status.name] = session

    def skew(self) -> float | None:
        """How far the clocks are apart."""
        return self._database.skew

    async def claim(self, queue: str, capacity: AgentCapacity) -> Claim | None:
        """Take the next item, or one whose agent fell silent."""
        await self._subscription(queue)
        session = self._sessions.get(capacity.agent)
        body = claims.Take(self.entity, queue, capacity, self.lease, session=session)
        return await self._database.write(body)

    async def news(self, queue: str, wait: float) -> None:
        """Wait until something changed in *queue* since the last claim."""
        await (await self._subscription(queue)).wait(wait)

    async def blocked(self, queue: str, capacity: AgentCapacity) -> str | None:
        """Whether a pause, a limit or a missing runner is in the way."""
        return await self._database.read(hindrance.Blocked(self.entity, queue, capacity))

    async def report(self, claim: Claim, report: ItemReport) -> None:
        """Store a new fact about a claimed item."""
        await self._database.write(claims.Report(claim, report))

    async def beat(self, status: AgentStatus, held: Collection[Claim], wait: float) -> AgentOrders:
        """Renew the leases, and wait for orders that were not given yet."""
        news = await self._subscribed(topics.of_agent(self.entity, status.name))
        tokens = {claim.item.id: claim.token for claim in held}
        session = self._sessions.get(status.name)
        body = claims.Beat(self.entity, status, tokens, self.lease, session)
        orders = await self._database.write(body)
        if not orders.news_to(self._heard) and await news.wait(wait):
            orders = await self._database.write(body)
        self._heard = orders
        return orders

    async def append_log(self, claim: Claim, offset: int, data: bytes) -> None:
        """Add output of the claim's attempt."""
        await self._database.write(logs.Append(claim, offset, data))

    async def log_size(self, claim: Claim) -> int:
        """How much output of the claim's attempt is stored."""
        return await self._database.read(logs.Size(claim))

    async def archive(self, digest: str) -> AsyncIterator[bytes]:
        """Packed code, piece by piece."""
        number = 0
        while (data := await self._database.read(jobs.GetChunk(digest, number))) is not None:
            yield data
            number += 1

    async def acquire_lock(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew a lock; its names are shared by all entities, as image names are."""
        agent = locks.agent_of(holder)
        acquire = locks.Acquire(name, locks.holder_in(self.entity, holder), seconds)
        session = self._sessions.get(agent)
        return await self._database.write(agents.InSession(self.entity, agent, session, acquire))

    async def lock_news(self, name: str, wait: float) -> None:
        """Wait until a lock may be had."""
        await locks.free(self._database, name, wait)

    async def release_lock(self, name: str, holder: str) -> None:
        """Give a lock back."""
        await self._database.write(locks.Release(name, locks.holder_in(self.entity, holder)))

    async def over(self, attempts: Mapping[str, int]) -> Collection[str]:
        """Those attempts that are over."""
        return await self._database.read(claims.Over(self.entity, attempts))

    async def leave(self, agent: str, *, dead: bool) -> None:
        """Forget an agent; the leases of one that is *dead* lapse now."""
        session = self._sessions.get(agent)
        await self._database.write(agents.Forget(self.entity, agent, dead, session))

    async def _subscription(self, queue: str) -> Subscription:
        if queue not in self._subscriptions:
            view = await self._database.read(queues.Get(self.entity, queue))
            self._subscriptions[queue] = await self._subscribed(f"queue:{view.queue.id}")
        return self._subscriptions[queue]

    async def _subscribed(self, topic: str) -> Subscription:
        if topic not in self._subscriptions:
            self._subscriptions[topic] = self._stack.enter_context(
                self._database.topics.subscribed(topic)
            )
        return self._subscriptions[topic]
