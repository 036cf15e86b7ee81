"""Launches that are changed: one, or all that a filter matches, each for itself."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Header

from launchkit.model import QueueItem
from launchkit.store import changes
from launchkit.store.hub import StoreLaunches
from launchkit.store.queue_masks import written
from launchkit.wire.user_side import ChangeBody, ChangesBody, Filter, Outcome, RequeuesBody
from launchkit_server.access import Caller, Operator
from launchkit_server.many import Make, change_each, ids_of

router = APIRouter(prefix="/items", tags=["launches"])

Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=255)]


@router.post("/changes")
async def change_all(entity: str, wanted: ChangesBody, who: Operator) -> Sequence[Outcome]:
    """Change all launches that a filter matches; one that cannot be changed is in nobody's way."""
    change = wanted.change.change()

    async def make(item_id: str) -> QueueItem:
        return await written(who.database, changes.Make(entity, item_id, change, who.name))

    return await _each(who, wanted.filter, make)


@router.post("/requeues")
async def requeue_all(entity: str, wanted: RequeuesBody, who: Operator) -> Sequence[Outcome]:
    """Put all launches that a filter matches back into their queues; what has ended is launched
    again, once per key.
    """
    key = wanted.idempotency_key

    async def make(item_id: str) -> QueueItem:
        own = f"{key}:{item_id}" if key else None
        return await written(who.database, changes.Requeue(entity, item_id, who.name, own))

    return await _each(who, wanted.filter, make)


@router.post("/{item_id}/changes")
async def change(entity: str, item_id: str, wanted: ChangeBody, who: Operator) -> QueueItem:
    """Stop, hold, release or move a launch, or give it another priority."""
    launches = StoreLaunches(who.database, entity)
    return await launches.change(item_id, wanted.change(), who.name)


@router.post("/{item_id}/requeues")
async def requeue(entity: str, item_id: str, who: Operator, key: Key = None) -> QueueItem:
    """Put a launch that is held back into its queue; launch one that has ended again."""
    return await written(who.database, changes.Requeue(entity, item_id, who.name, key))


async def _each(who: Caller, wanted: Filter, make: Make) -> Sequence[Outcome]:
    return await change_each(await ids_of(who.database, who.entity, wanted.selection()), make)
