"""One launch: why it waits, what it spends its time on, what it prints, how it ended."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from launchkit.abc import Hold, ItemView, Release, Stop
from launchkit.codec import decode
from launchkit.errors import NotFound
from launchkit.model import Event, ItemState, QueueItem, Resolution
from launchkit.store import changes, launches, logs
from launchkit.store.hub import StoreLaunches
from launchkit.store.queue_masks import written
from launchkit_server.web.forms import LONGEST_KEY
from launchkit_server.web.timeline import Attempt, Span, attempts, spans
from launchkit_server.web.visits import Operating, Reading, Visit

router = APIRouter(prefix="/e/{entity}/launches/{item_id}")

MAX_EVENTS = 500
"""The latest of them are shown."""
TABS = ("log", "request", "history")
WAITING = frozenset({ItemState.QUEUED, ItemState.HELD})


@dataclass(frozen=True, kw_only=True)
class LogView:
    """What a page must know of a log to begin to show it."""

    attempt: int
    size: int
    complete: bool


@dataclass(frozen=True, kw_only=True)
class RunView:
    """A launch as its page shows it."""

    item: QueueItem
    position: int | None
    reason: str | None
    outputs: Mapping[str, object]
    now: float
    spans: Sequence[Span]
    attempts: Sequence[Attempt]
    events: Sequence[Event]
    log: LogView
    latest: bool
    """Whether the log is that of the latest attempt."""
    request: Mapping[str, Any] | None
    origins: Mapping[str, str]

    @property
    def waits(self) -> bool:
        """Whether it waits in its queue."""
        return self.item.state in WAITING

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.item.state.ended


@router.get("")
async def show(
    item_id: str, visit: Reading, tab: str = "log", attempt: int | None = None
) -> Response:
    """The page; other names of a launch lead to the one with its id, and what is not kept any more
    to why.
    """
    stored = StoreLaunches(visit.database, visit.entity)
    try:
        view = await stored.get(item_id)
    except NotFound:
        return await visit.page("run-gone.html", status=404, here="launches", ref=item_id)
    if view.item.id != item_id:
        return visit.go(visit.at("launches", view.item.id))
    run = await _run(visit, view, attempt)
    return await visit.page(
        "run.html", here="launches", run=run, tab=tab if tab in TABS else "log", tabs=TABS
    )


async def _run(visit: Visit, view: ItemView, attempt: int | None) -> RunView:
    database = visit.database
    item = view.item if visit.may("operate") else await visit.service.shown(view.item)
    events = await database.read(launches.NewestOf(visit.entity, item.id))
    wanted = max(0, min(attempt or item.attempt, item.attempt))
    stored = await database.read(logs.Look(visit.entity, item.id, wanted, 2**62))
    now = time.time()
    resolved: dict[str, Any] = dict(item.resolved or {})
    resolved.pop("origins", None)
    return RunView(
        item=item,
        position=view.position,
        reason=view.reason,
        outputs=view.outputs,
        now=now,
        spans=spans(events, now),
        attempts=attempts(events),
        events=[*reversed(events[-MAX_EVENTS:])],
        log=LogView(attempt=wanted, size=stored.size, complete=stored.complete),
        latest=wanted == item.attempt,
        request=resolved or None,
        origins=decode(Resolution, item.resolved or {}).origins,
    )


@router.post("/stop")
async def stop(item_id: str, visit: Operating) -> Response:
    """Stop it, for a reason if there is one."""
    change = Stop(reason=visit.form.text("reason") or None)
    return await _changed(visit, item_id, changes.Make(visit.entity, item_id, change, visit.name))


@router.post("/hold")
async def hold(item_id: str, visit: Operating) -> Response:
    """Keep it from being claimed until somebody releases it."""
    change = Hold(reason=visit.form.text("reason") or "held on its page")
    return await _changed(visit, item_id, changes.Make(visit.entity, item_id, change, visit.name))


@router.post("/release")
async def release(item_id: str, visit: Operating) -> Response:
    """Put it back into its queue."""
    return await _changed(
        visit, item_id, changes.Make(visit.entity, item_id, Release(), visit.name)
    )


@router.post("/again")
async def again(item_id: str, visit: Operating) -> Response:
    """Launch it again as it was; pressed twice on one page, it is launched once."""
    key = visit.form.short("key", LONGEST_KEY) or None
    return await _changed(visit, item_id, changes.Requeue(visit.entity, item_id, visit.name, key))


async def _changed(visit: Visit, item_id: str, body: changes.Make | changes.Requeue) -> Response:
    item = await written(visit.database, body)
    return visit.go(visit.at("launches", item.id))
