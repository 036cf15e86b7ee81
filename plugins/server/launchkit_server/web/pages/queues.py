"""All queues of an entity."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from launchkit.abc import QueueView
from launchkit.model import ItemState, Pause
from launchkit.store.hub import StoreQueues
from launchkit.store.rules import paused
from launchkit_server.web.visits import Reading

router = APIRouter(prefix="/e/{entity}")


@dataclass(frozen=True, kw_only=True)
class QueueRow:
    """A queue in a list."""

    name: str
    resource: str
    prioritization: bool
    limit: int | None
    waiting: int
    held: int
    running: int
    ended: int
    pause: Pause | None
    created_at: float


@router.get("/queues")
async def show(visit: Reading) -> Response:
    """The list."""
    views = await StoreQueues(visit.database, visit.entity).list()
    now = time.time()
    rows = [row_of(one, now) for one in views]
    return await visit.page("queues.html", here="queues", queues=rows)


def row_of(view: QueueView, now: float) -> QueueRow:
    """What a list says of a queue."""
    spec = view.queue.spec
    waiting = view.counts.get(ItemState.QUEUED, 0)
    held = view.counts.get(ItemState.HELD, 0)
    ended = _sum(view.counts, ended=True)
    return QueueRow(
        name=spec.name,
        resource=spec.resource,
        prioritization=spec.prioritization,
        limit=spec.max_concurrent,
        waiting=waiting,
        held=held,
        running=_sum(view.counts, ended=False) - waiting - held,
        ended=ended,
        pause=paused(view.queue.pause, now),
        created_at=view.queue.created_at,
    )


def _sum(counts: Mapping[ItemState, int], *, ended: bool) -> int:
    return sum(many for state, many in counts.items() if state.ended is ended)
