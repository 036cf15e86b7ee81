"""Launches: put into queues, listed, changed, followed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from launchkit.abc import ItemView, Order, Selection
from launchkit.errors import ConfigError
from launchkit.model import Event, ItemState, QueueItem
from launchkit.store.hub import StoreLaunches
from launchkit.wire.user_side import MAX_ITEMS, LaunchBody
from launchkit_server.access import Follower, Reader, Submitter
from launchkit_server.api.changes import Key
from launchkit_server.polling import Poll, polled
from launchkit_server.service import TheService

router = APIRouter(tags=["launches"])


@router.post("/queues/{queue}/launches", status_code=201)
async def launch(
    entity: str,
    queue: str,
    wanted: LaunchBody,
    service: TheService,
    who: Submitter,
    key: Key = None,
) -> QueueItem:
    """Put a request into a queue, once per idempotency key: that stands in the body, or in a
    header.
    """
    request = wanted.request(who.name)
    who.require_author(request.spec.author)
    if key is not None:
        if request.idempotency_key not in {None, key}:
            raise ConfigError("idempotency_key: is another one than in the header Idempotency-Key")
        request = replace(request, idempotency_key=key)
    item = await StoreLaunches(who.database, entity).launch(queue, request)
    return item if who.operates else await service.shown(item)


@router.get("/item")
async def get(entity: str, ref: str, service: TheService, who: Reader) -> ItemView:
    """One item, by its id, its run's id, or its name if only one has it."""
    view = await StoreLaunches(who.database, entity).get(ref)
    return view if who.operates else replace(view, item=await service.shown(view.item))


@dataclass(frozen=True)
class Filter:
    """Which items are wanted."""

    queue: str | None = None
    state: Annotated[list[ItemState] | None, Query()] = None
    author: str | None = None
    not_queue: str | None = None
    not_author: str | None = None
    agent: str | None = None
    name: str | None = None
    since: float | None = None
    order: Order = "newest"
    reverse: bool = False
    after: str | None = None
    """The id of an item, or in an order by value its `cursor`: the page behind it."""
    limit: Annotated[int, Query(ge=0, le=MAX_ITEMS)] = 100
    none: bool = False
    """No state is wanted: a query cannot tell an empty list from none."""

    def selection(self) -> Selection:
        """The same for the store."""
        return Selection(
            queue=self.queue,
            states=[] if self.none else self.state,
            author=self.author,
            not_queue=self.not_queue,
            not_author=self.not_author,
            agent=self.agent,
            name=self.name,
            since=self.since,
            order=self.order,
            reverse=self.reverse,
            after=self.after,
            limit=self.limit,
        )


@router.get("/items")
async def list_some(
    entity: str, wanted: Annotated[Filter, Depends()], who: Reader
) -> Sequence[ItemView]:
    """A page of items; one that ends before its limit, since it has as many bytes as an answer may,
    has `cut` at its last.
    """
    return await StoreLaunches(who.database, entity).page(wanted.selection())


@router.get("/events")
async def events(
    entity: str,
    service: TheService,
    who: Follower,
    item: str | None = None,
    since: Annotated[int, Query(ge=0, le=2**62)] = 0,
    wait: float = 0.0,
) -> Sequence[Event]:
    """Events above *since* of one item, or the newest of all; waits for one if there is none."""
    launches = StoreLaunches(who.database, entity)
    poll = Poll(
        look=lambda: launches.after(item, since),
        enough=bool,
        about=[launches.topic(item)],
    )
    return await polled(poll, wait, service, who)
