"""Hubs whose queues, launches or changes are wrong."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar, TypeVar, cast

import anyio

from launchkit.abc import (
    Change,
    Hold,
    ItemView,
    Jobs,
    Launches,
    LaunchRequest,
    Logs,
    Queues,
    QueueView,
    Selection,
    SetPriority,
    Stop,
)
from launchkit.errors import Conflict, NotFound, Rejected
from launchkit.model import (
    AgentView,
    ItemState,
    Pause,
    Queue,
    QueueItem,
    QueueSpec,
)
from launchkit.store.database import Row
from launchkit.store.hub import StoreHub, StoreLaunches, StoreLogs, StoreQueues
from launchkit.store.hub_jobs import StoreJobs
from mutants.bent import BentDatabase

HOUR = 3600.0
G = TypeVar("G")


async def execute(database: object, sql: str, **values: object) -> Sequence[Row]:
    return await cast("BentDatabase", database).execute(sql, **values)


def hub_of(group: type) -> type[StoreHub]:
    """A hub one of whose groups is of that class."""

    class Mutated(StoreHub):
        def queues(self) -> Queues:
            return self._group(StoreQueues)

        def jobs(self) -> Jobs:
            return self._group(StoreJobs)

        def launches(self) -> Launches:
            return self._group(StoreLaunches)

        def logs(self) -> Logs:
            return self._group(StoreLogs)

        def _group(self, base: Callable[..., G]) -> G:
            made = group if issubclass(group, cast("type", base)) else base
            return cast("G", made(self._database, self.entity))

    return Mutated


class AgentsAreHidden(StoreHub):
    async def agents(self) -> Sequence[AgentView]:
        return []


class AgentsHoldNothing(StoreHub):
    async def agents(self) -> Sequence[AgentView]:
        return [replace(view, held=0) for view in await super().agents()]


class IgnoresVersion(StoreQueues):
    async def update(
        self, spec: QueueSpec, actor: str, *, pause: Pause | None, if_version: int | None
    ) -> Queue:
        return await super().update(spec, actor, pause=pause, if_version=None)


class UpdateMakes(StoreQueues):
    async def update(
        self, spec: QueueSpec, actor: str, *, pause: Pause | None, if_version: int | None
    ) -> Queue:
        try:
            return await super().update(spec, actor, pause=pause, if_version=if_version)
        except NotFound:
            return await super().create(spec, actor)


class CreateReplaces(StoreQueues):
    async def create(self, spec: QueueSpec, actor: str) -> Queue:
        try:
            return await super().create(spec, actor)
        except Conflict:
            return await super().update(spec, actor, pause=None, if_version=None)


class MissingWithoutNames(StoreQueues):
    async def get(self, name: str) -> QueueView:
        try:
            return await super().get(name)
        except NotFound as exc:
            raise NotFound("there is no such queue") from exc


class FindsWithoutNames(StoreQueues):
    async def find(self, name: str) -> Queue:
        try:
            return await super().find(name)
        except NotFound as exc:
            raise NotFound("there is no such queue") from exc


class ListWithoutCounts(StoreQueues):
    async def list(self) -> Sequence[QueueView]:
        return [replace(view, counts={}) for view in await super().list()]


class AlwaysForces(StoreQueues):
    async def delete(self, name: str, actor: str, *, force: bool) -> int:
        return await super().delete(name, actor, force=True)


class DeletesNone(StoreQueues):
    async def delete(self, name: str, actor: str, *, force: bool) -> int:
        await super().delete(name, actor, force=force)
        return 0


class DeletesWhatRuns(StoreQueues):
    async def delete(self, name: str, actor: str, *, force: bool) -> int:
        if force:
            await execute(self.database, "update item set lease_until = null, state = 'stopped'"
                          " where lease_until is not null")  # fmt: skip
        return await super().delete(name, actor, force=force)


class DeleteHidesLaunches(StoreQueues):
    async def delete(self, name: str, actor: str, *, force: bool) -> int:
        view = await self.get(name)
        stopped = await super().delete(name, actor, force=force)
        await execute(self.database, "update item set entity = 'gone' where queue_id = :id",
                      id=view.queue.id)  # fmt: skip
        return stopped


class KeyIsIgnored(StoreLaunches):
    async def launch(self, queue: str, request: LaunchRequest) -> QueueItem:
        return await super().launch(queue, replace(request, idempotency_key=None))


class KeyIsForgotten(StoreLaunches):
    async def launch(self, queue: str, request: LaunchRequest) -> QueueItem:
        if await execute(
            self.database,
            "select 1 from item where idempotency_key = :key and ended_at is not null",
            key=request.idempotency_key,
        ):
            request = replace(request, idempotency_key=None)
        return await super().launch(queue, request)


class KeyStandsForAnything(StoreLaunches):
    async def launch(self, queue: str, request: LaunchRequest) -> QueueItem:
        try:
            return await super().launch(queue, request)
        except Conflict:
            (row,) = await execute(self.database, "select id from item where idempotency_key = :k",
                                   k=request.idempotency_key)  # fmt: skip
            return (await self.get(row["id"])).item


class KeyIgnoresTheQueue(KeyStandsForAnything):
    async def launch(self, queue: str, request: LaunchRequest) -> QueueItem:
        item = await super().launch(queue, request)
        if item.name != (request.spec.name or item.name):
            raise Conflict("the key stands for another request")
        return item


class KeyRaces(StoreLaunches):
    keys: ClassVar[dict[str, QueueItem]] = {}

    async def launch(self, queue: str, request: LaunchRequest) -> QueueItem:
        key = request.idempotency_key
        if key and key in self.keys:
            return await super().launch(queue, request)
        await anyio.sleep(0.05)
        late = key is not None and key in self.keys
        item = await super().launch(
            queue, replace(request, idempotency_key=None) if late else request
        )
        if key:
            self.keys[key] = item
        return item


class AuthorIsActor(StoreLaunches):
    async def launch(self, queue: str, request: LaunchRequest) -> QueueItem:
        spec = replace(request.spec, author=None)
        return await super().launch(queue, replace(request, spec=spec))


class OverridesAreLost(StoreLaunches):
    async def launch(self, queue: str, request: LaunchRequest) -> QueueItem:
        overrides = replace(request.spec.overrides, env={})
        spec = replace(request.spec, overrides=overrides)
        return await super().launch(queue, replace(request, spec=spec))


class RejectsNothing(StoreLaunches):
    async def launch(self, queue: str, request: LaunchRequest) -> QueueItem:
        try:
            return await super().launch(queue, request)
        except Rejected:
            spec = replace(request.spec, template_variables={})
            return await super().launch(queue, replace(request, spec=spec, priority=None))


class PriorityIsIgnored(StoreLaunches):
    async def launch(self, queue: str, request: LaunchRequest) -> QueueItem:
        if request.priority is not None and not (
            await execute(self.database, "select 1 from queue where prioritization")
        ):
            request = replace(request, priority=None)
        return await super().launch(queue, request)


class RepeatsSilently(StoreLaunches):
    async def launch(self, queue: str, request: LaunchRequest) -> QueueItem:
        return await super().launch(queue, replace(request, again=None))


class LaunchMakesTheQueue(StoreLaunches):
    async def launch(self, queue: str, request: LaunchRequest) -> QueueItem:
        try:
            return await super().launch(queue, request)
        except NotFound:
            spec = QueueSpec(name=queue, resource="local-process")
            await StoreQueues(self.database, self.entity).create(spec, request.actor)
            return await super().launch(queue, request)


class LaunchHangs(StoreLaunches):
    async def launch(self, queue: str, request: LaunchRequest) -> QueueItem:
        await anyio.sleep_forever()
        raise AssertionError


class GetWithoutReason(StoreLaunches):
    async def get(self, ref: str) -> ItemView:
        return replace(await super().get(ref), reason=None)


class GetHidesStops(StoreLaunches):
    async def get(self, ref: str) -> ItemView:
        view = await super().get(ref)
        return replace(view, item=replace(view.item, stop_requested=False))


class ListWithoutPlaces(StoreLaunches):
    async def page(self, selection: Selection) -> Sequence[ItemView]:
        return [replace(view, position=None) for view in await super().page(selection)]


class Unchecked(StoreLaunches):
    """Changes what is not to be changed, where the store says no."""

    async def change(self, item_id: str, change: Change, actor: str) -> QueueItem:
        try:
            return await super().change(item_id, change, actor)
        except Conflict:
            return await self.force(item_id, change)

    async def force(self, item_id: str, change: Change) -> QueueItem:
        raise NotImplementedError


class ReopensTheEnded(Unchecked):
    async def force(self, item_id: str, change: Change) -> QueueItem:
        view = await self.get(item_id)
        if not view.item.state.ended:
            raise Conflict("it is under way")
        await execute(self.database, "update item set state = 'queued', ended_at = null"
                      " where id = :id", id=view.item.id)  # fmt: skip
        return (await self.get(item_id)).item


class HoldsWhatRuns(Unchecked):
    async def force(self, item_id: str, change: Change) -> QueueItem:
        view = await self.get(item_id)
        if not isinstance(change, Hold) or view.item.state.ended:
            raise Conflict("it cannot be changed")
        await execute(self.database, "update item set state = 'held', lease_until = null"
                      " where id = :id", id=view.item.id)  # fmt: skip
        return (await self.get(item_id)).item


class ConflictsAreSilent(Unchecked):
    async def force(self, item_id: str, change: Change) -> QueueItem:
        return (await self.get(item_id)).item


class PriorityIsSetInSilence(StoreLaunches):
    async def change(self, item_id: str, change: Change, actor: str) -> QueueItem:
        try:
            return await super().change(item_id, change, actor)
        except Rejected:
            return (await self.get(item_id)).item


class UnknownIsConflict(StoreLaunches):
    async def change(self, item_id: str, change: Change, actor: str) -> QueueItem:
        try:
            return await super().change(item_id, change, actor)
        except NotFound as exc:
            raise Conflict("it cannot be changed") from exc


class HeldCannotBeStopped(StoreLaunches):
    async def change(self, item_id: str, change: Change, actor: str) -> QueueItem:
        view = await self.get(item_id)
        if isinstance(change, Stop) and view.item.state is ItemState.HELD:
            return view.item
        return await super().change(item_id, change, actor)


class StopEndsWhatRuns(StoreLaunches):
    async def change(self, item_id: str, change: Change, actor: str) -> QueueItem:
        item = await super().change(item_id, change, actor)
        if isinstance(change, Stop) and not item.state.ended:
            await execute(self.database, "update item set state = 'stopped', lease_until = null,"
                          " ended_at = :now where id = :id", id=item.id)  # fmt: skip
            return (await self.get(item_id)).item
        return item


class StopOfTheEndedIsAnError(StoreLaunches):
    async def change(self, item_id: str, change: Change, actor: str) -> QueueItem:
        if (await self.get(item_id)).item.state.ended:
            raise Conflict("it has ended")
        return await super().change(item_id, change, actor)


class StopWithoutReason(StoreLaunches):
    async def change(self, item_id: str, change: Change, actor: str) -> QueueItem:
        if isinstance(change, Stop):
            change = Stop()
        return await super().change(item_id, change, actor)


class GivesTheOldItem(StoreLaunches):
    async def change(self, item_id: str, change: Change, actor: str) -> QueueItem:
        old = (await self.get(item_id)).item
        await super().change(item_id, change, actor)
        return old


class AnyoneChanges(StoreLaunches):
    async def change(self, item_id: str, change: Change, actor: str) -> QueueItem:
        return await super().change(item_id, change, "somebody")


class PrioritiesBackwards(StoreLaunches):
    async def change(self, item_id: str, change: Change, actor: str) -> QueueItem:
        if isinstance(change, SetPriority):
            change = SetPriority(level=type(change.level)(3 - change.level))
        return await super().change(item_id, change, actor)
