"""The user's side of the store.

What a list of launches can do without is imported where it is used.
"""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from launchkit.abc import (
    Hub,
    ItemView,
    Jobs,
    Launches,
    LaunchRequest,
    Logs,
    Queues,
    QueueView,
    Selection,
    Site,
)
from launchkit.errors import Conflict, Forbidden, Unauthenticated
from launchkit.model import (
    AgentView,
    Event,
    LogPage,
    Pause,
    Queue,
    QueueItem,
    QueueSpec,
)
from launchkit.resolving.nested import is_long
from launchkit.resolving.queue_checks import check_length, check_secrets
from launchkit.store import agents, launches, queues, topics
from launchkit.store.database import Database
from launchkit.store.events import settled
from launchkit.store.opening import database_of
from launchkit.store.queue_masks import long_work, written

if TYPE_CHECKING:
    from launchkit.abc import AgentChange, Change


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
        """Open the database. :raises ConfigError: if the entity's name is too long."""
        check_length("entity", self.entity)
        self._database = database_of(self.url, self.clock)
        await stack.enter_async_context(self._database.opened())

    def queues(self) -> Queues:
        """Queues."""
        return StoreQueues(self._database, self.entity)

    def jobs(self) -> Jobs:
        """Jobs and packed code."""
        from launchkit.store.hub_jobs import StoreJobs

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

    async def change_agent(self, name: str, change: "AgentChange", actor: str) -> None:
        """Change an agent as *actor* wants it."""
        from launchkit.store import agent_changes

        await self._database.write(agent_changes.Make(self.entity, name, change, actor))


@dataclass(frozen=True)
class Group:
    """A group of calls for one entity, over an open database."""

    database: Database
    entity: str


class StoreQueues(Group, Queues):
    """Queues of one entity, over an open database."""

    async def create(self, spec: QueueSpec, actor: str) -> Queue:
        await self._check_secrets(spec)
        return await self.database.write(queues.Create(self.entity, spec, actor))

    async def get(self, name: str) -> QueueView:
        return await self.database.read(queues.Get(self.entity, name))

    async def find(self, name: str) -> Queue:
        return await self.database.read(queues.Find(self.entity, name))

    async def list(self) -> Sequence[QueueView]:
        return await self.database.read(queues.List(self.entity))

    async def update(
        self, spec: QueueSpec, actor: str, *, pause: Pause | None, if_version: int | None
    ) -> Queue:
        before = (await self.find(spec.name)).spec
        if (spec.config, spec.variables) != (before.config, before.variables):
            await self._check_secrets(spec)
        body = queues.Update(self.entity, spec, actor, pause, if_version)
        return await written(self.database, body)

    async def _check_secrets(self, spec: QueueSpec) -> None:
        is_slow = is_long((spec.config, spec.variables))
        await long_work().run(self.entity, partial(check_secrets, spec), is_long=is_slow)

    async def delete(self, name: str, actor: str, *, force: bool) -> int:
        stopped, body = 0, queues.Delete(self.entity, name, actor, force)
        while True:
            try:
                done = await self.database.write(body)
            except (Conflict, Unauthenticated, Forbidden) as exc:
                if not stopped:
                    raise
                text = f"{exc.message}; {stopped} launches that waited were stopped before"
                raise type(exc)(text, hint=exc.hint) from exc
            stopped += done.stopped
            if done.removed:
                return stopped


class StoreLaunches(Group, Launches):
    """Launches of one entity, over an open database."""

    async def launch(self, queue: str, request: LaunchRequest) -> QueueItem:
        from launchkit.store import submitting

        return await written(self.database, submitting.Launch(self.entity, queue, request))

    async def get(self, ref: str) -> ItemView:
        return await self.database.read(launches.Get(self.entity, ref))

    async def page(self, selection: Selection) -> Sequence[ItemView]:
        return await self.database.read(launches.List(self.entity, selection))

    async def change(self, item_id: str, change: "Change", actor: str) -> QueueItem:
        from launchkit.store import changes

        return await written(self.database, changes.Make(self.entity, item_id, change, actor))

    async def changed(self, item_id: str | None, since: int, wait: float) -> Sequence[Event]:
        with self.database.topics.subscribed(self.topic(item_id)) as news:
            events = await self.after(item_id, since)
            if not events and await news.wait(wait):
                events = await self.after(item_id, since)
            return events

    def topic(self, item_id: str | None) -> str:
        """What rings when something happens to an item, or to any of the entity."""
        if item_id is None:
            return f"entity:{self.entity}"
        return topics.of_item(self.entity, item_id)

    async def after(self, item_id: str | None, since: int) -> Sequence[Event]:
        """The events of an item above *since*, or the newest of all."""
        if item_id is not None:
            return await self.database.read(launches.Events(self.entity, item_id, since))
        until = await settled(self.database)
        return await self.database.read(launches.Newest(self.entity, since, until))


class StoreLogs(Group, Logs):
    """Logs of one entity, over an open database."""

    async def read(self, item_id: str, attempt: int | None, offset: int, wait: float) -> LogPage:
        from launchkit.store import logs

        body = logs.Read(self.entity, item_id, attempt, offset)
        about = topics.of_log(self.entity, item_id), topics.of_item(self.entity, item_id)
        with self.database.topics.subscribed(*about) as news:
            page = await self.database.read(body)
            if not page.data and not page.complete and await news.wait(wait):
                page = await self.database.read(body)
            return page
