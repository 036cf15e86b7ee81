"""The store as a component: the agent's side, and the user's side."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import ClassVar
from uuid import uuid4

import anyio

from launchkit.abc import (
    AgentChange,
    Change,
    Finding,
    Hub,
    ItemView,
    Jobs,
    Launches,
    LaunchRequest,
    Logs,
    QueueBackend,
    Queues,
    QueueView,
    Selection,
    Site,
)
from launchkit.abc.backend import SKEW_HINT, SKEW_SECONDS, skewed
from launchkit.aio.topics import Subscription
from launchkit.model import (
    AgentCapacity,
    AgentOrders,
    AgentStatus,
    AgentView,
    Claim,
    Event,
    ItemReport,
    JobVersion,
    LogPage,
    Pause,
    Queue,
    QueueItem,
    QueueSpec,
    Recipe,
)
from launchkit.store import agents, changes, claims, hindrance, jobs, launches, locks, logs, queues
from launchkit.store.access import look_at
from launchkit.store.database import PATIENCE_SECONDS, STATEMENT_SECONDS, Database
from launchkit.store.events import settled
from launchkit.store.sqlite import SqliteDatabase
from launchkit.store.sqlite_file import file_of


def database_of(
    url: str,
    clock: Callable[[], float] | None = None,
    *,
    direct: str | None = None,
    patience: float = PATIENCE_SECONDS,
    seconds: float = STATEMENT_SECONDS,
) -> Database:
    """The database that a URL names: `sqlite:///PATH` or `postgresql://…`. *direct* is the URL of
    the same database without the pooler that the first one leads to. One who asks a server that is
    away waits for it for *patience* seconds; each statement may take some *seconds*. The time is
    the server's, or that of *clock*.
    """
    if url.startswith("sqlite:"):
        return SqliteDatabase(file_of(url), clock=clock)
    from launchkit.store.postgres import PostgresDatabase

    return PostgresDatabase(url, clock=clock, direct=direct, patience=patience, seconds=seconds)


@dataclass(kw_only=True)
class StoreBackend(QueueBackend):
    """The agent's side of a queue in a SQLite file or a PostgreSQL database."""

    kind = "sqlite"
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
        """Open the database for the agent's life."""
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
        news = await self._subscribed(f"agent:{status.name}")
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
        agent = agents.of_holder(holder)
        acquire = locks.Acquire(name, holder, seconds)
        session = self._sessions.get(agent)
        return await self._database.write(agents.InSession(self.entity, agent, session, acquire))

    async def lock_news(self, name: str, wait: float) -> None:
        """Wait until a lock may be had."""
        await locks.free(self._database, name, wait)

    async def release_lock(self, name: str, holder: str) -> None:
        """Give a lock back."""
        await self._database.write(locks.Release(name, holder))

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


@dataclass(kw_only=True)
class StoreHub(Hub):
    """The user's side of a queue in a SQLite file or a PostgreSQL database."""

    kind = "sqlite"
    aliases = ("postgresql", "postgres")

    url: str
    entity: str
    clock: Callable[[], float] | None = field(init=False, repr=False, default=None)
    """Gives Unix time instead of the database; tests set their own before `start`."""
    _database: Database = field(init=False, repr=False)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Open the database."""
        self._database = database_of(self.url, self.clock)
        await stack.enter_async_context(self._database.opened())

    def queues(self) -> Queues:
        """Queues."""
        return StoreQueues(self._database, self.entity)

    def jobs(self) -> Jobs:
        """Jobs and packed code."""
        return StoreJobs(self._database, self.entity)

    def launches(self) -> Launches:
        """Launches."""
        return StoreLaunches(self._database, self.entity)

    def logs(self) -> Logs:
        """Logs."""
        return StoreLogs(self._database, self.entity)

    async def agents(self) -> Sequence[AgentView]:
        """The agents that were seen lately, and those that are paused."""
        return await self._database.read(agents.List(self.entity))

    async def change_agent(self, name: str, change: AgentChange, actor: str) -> None:
        """Change an agent as *actor* wants it."""
        await self._database.write(agents.Make(self.entity, name, change, actor))


@dataclass(frozen=True)
class _Group:
    database: Database
    entity: str


class StoreQueues(_Group, Queues):
    """Queues of one entity, over an open database."""

    async def create(self, spec: QueueSpec, actor: str) -> Queue:
        return await self.database.write(queues.Create(self.entity, spec, actor))

    async def get(self, name: str) -> QueueView:
        return await self.database.read(queues.Get(self.entity, name))

    async def list(self) -> Sequence[QueueView]:
        return await self.database.read(queues.List(self.entity))

    async def update(
        self, spec: QueueSpec, actor: str, *, pause: Pause | None, if_version: int | None
    ) -> Queue:
        body = queues.Update(self.entity, spec, actor, pause, if_version)
        return await self.database.write(body)

    async def delete(self, name: str, actor: str, *, force: bool) -> int:
        return await self.database.write(queues.Delete(self.entity, name, actor, force))


class StoreJobs(_Group, Jobs):
    """Jobs of one entity, over an open database."""

    async def create(
        self, name: str, recipe: Recipe, actor: str, aliases: Sequence[str]
    ) -> tuple[JobVersion, bool]:
        body = jobs.Create(self.entity, name, recipe, actor, aliases)
        return await self.database.write(body)

    async def get(self, reference: str) -> JobVersion:
        return await self.database.read(jobs.Get(self.entity, reference))

    async def list(self, name: str | None) -> Sequence[JobVersion]:
        return await self.database.read(jobs.List(self.entity, name))

    async def has_archive(self, digest: str) -> bool:
        return await self.database.read(jobs.HasArchive(digest))

    async def put_archive(self, digest: str, chunks: AsyncIterator[bytes]) -> None:
        number = 0
        async for data in chunks:
            await self.database.write(jobs.PutChunk(digest, number, data))
            number += 1
        await self.database.write(jobs.SealArchive(digest))


class StoreLaunches(_Group, Launches):
    """Launches of one entity, over an open database."""

    async def launch(self, queue: str, request: LaunchRequest) -> QueueItem:
        return await self.database.write(launches.Launch(self.entity, queue, request))

    async def get(self, ref: str) -> ItemView:
        return await self.database.read(launches.Get(self.entity, ref))

    async def list(self, selection: Selection) -> Sequence[ItemView]:
        return await self.database.read(launches.List(self.entity, selection))

    async def change(self, item_id: str, change: Change, actor: str) -> QueueItem:
        return await self.database.write(changes.Make(self.entity, item_id, change, actor))

    async def changed(self, item_id: str | None, since: int, wait: float) -> Sequence[Event]:
        topic = f"entity:{self.entity}" if item_id is None else f"item:{item_id}"
        with self.database.topics.subscribed(topic) as news:
            events = await self._after(item_id, since)
            if not events and await news.wait(wait):
                events = await self._after(item_id, since)
            return events

    async def _after(self, item_id: str | None, since: int) -> Sequence[Event]:
        if item_id is not None:
            return await self.database.read(launches.Events(self.entity, item_id, since))
        until = await settled(self.database)
        return await self.database.read(launches.Newest(self.entity, since, until))


class StoreLogs(_Group, Logs):
    """Logs of one entity, over an open database."""

    async def read(self, item_id: str, attempt: int | None, offset: int, wait: float) -> LogPage:
        body = logs.Read(self.entity, item_id, attempt, offset)
        with self.database.topics.subscribed(f"log:{item_id}", f"item:{item_id}") as news:
            page = await self.database.read(body)
            if not page.data and not page.complete and await news.wait(wait):
                page = await self.database.read(body)
            return page
