"""One queue: what waits in it and why, what runs, what has ended, its charts and its settings."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from launchkit.abc import Finding, ItemView, Order, QueueView, Selection
from launchkit.errors import ConfigError
from launchkit.model import ENDED, ItemState, Pause, QueueSpec
from launchkit.store import agents, waits
from launchkit.store.hub import StoreLaunches, StoreQueues
from launchkit_server.many import behind
from launchkit_server.web.charts import History, Window, history
from launchkit_server.web.pages.overview import serving
from launchkit_server.web.pages.queues import QueueRow, row_of
from launchkit_server.web.twins import launching
from launchkit_server.web.visits import Operating, Reading, Visit

router = APIRouter(prefix="/e/{entity}/queues/{name}")

PAGE = 50
TABS = ("waiting", "running", "finished", "charts", "config")
UNDER_WAY = frozenset(ItemState) - ENDED - {ItemState.QUEUED, ItemState.HELD}
LISTS: Mapping[str, tuple[frozenset[ItemState], Order]] = {
    "waiting": (frozenset({ItemState.QUEUED}), "line"),
    "running": (frozenset(UNDER_WAY), "oldest"),
    "finished": (ENDED, "newest"),
}
WINDOWS: Mapping[str, float] = {"1h": 3600.0, "24h": 86400.0, "7d": 7 * 86400.0}
FOREVER = "0"


@dataclass(frozen=True, kw_only=True)
class QueuePage:
    """What the page of a queue shows."""

    now: float
    row: QueueRow
    spec: QueueSpec
    version: int
    updated_at: float
    agents: int
    warning: Finding | None
    """Of secrets in its config, to who may operate it."""
    launching: str
    """The command that launches into it."""
    items: Sequence[ItemView] = ()
    held: Sequence[ItemView] = ()
    more: str | None = None
    """The id after which the next page of the list begins."""
    history: History | None = None
    window: str = "24h"
    charts: Mapping[str, Any] | None = None
    cut: int | None = None
    """How many launches of a kind the charts look at, if there may be more."""


@router.get("")
async def show(
    visit: Reading, name: str, tab: str = "waiting", after: str | None = None, window: str = "24h"
) -> Response:
    """The page, with one of its tabs."""
    tab = tab if tab in TABS else "waiting"
    view = await StoreQueues(visit.database, visit.entity).get(name)
    page = await _page(visit, view)
    if tab in LISTS:
        page = await _with_list(visit, page, tab, after)
    if tab == "charts":
        page = await _with_charts(visit, page, view, window if window in WINDOWS else "24h")
    return await visit.page(
        "queue.html",
        here="queues",
        view=page,
        tab=tab,
        after=after,
        windows=WINDOWS,
        launching=page.launching,
    )


async def _page(visit: Visit, view: QueueView) -> QueuePage:
    spec, now = view.queue.spec, time.time()
    operates = visit.may("operate")
    there = await visit.database.read(agents.List(visit.entity))
    seen = await visit.service.seen_queues.of(view.queue)
    return QueuePage(
        now=now,
        row=row_of(view, now),
        spec=spec if operates else seen.shown,
        warning=seen.warning if operates else None,
        launching=launching(seen.shown),
        version=view.queue.version,
        updated_at=view.queue.updated_at,
        agents=serving(there, spec.name),
    )


async def _with_list(visit: Visit, page: QueuePage, tab: str, after: str | None) -> QueuePage:
    launches = StoreLaunches(visit.database, visit.entity)
    states, order = LISTS[tab]
    wanted = Selection(queue=page.row.name, states=states, order=order, after=after, limit=PAGE + 1)
    found = await launches.page(wanted)
    held: Sequence[ItemView] = ()
    if tab == "waiting" and page.row.held:
        held = await launches.page(replace(wanted, states=[ItemState.HELD], after=None, limit=PAGE))
    return replace(page, items=found[:PAGE], held=held, more=behind(found, PAGE))


async def _with_charts(visit: Visit, page: QueuePage, view: QueueView, window: str) -> QueuePage:
    span = Window(now=page.now, seconds=WINDOWS[window])
    found = await visit.database.read(waits.Waits(visit.entity, span.begin, view.queue.id))
    told = history(found, span)
    depth = {"x": span.ends, "series": [{"name": "Not running yet", "values": told.depth}]}
    times = [
        {"name": "Half waited at most", "values": told.medians, "unit": "s"},
        {"name": "95 % waited at most", "values": told.slows, "unit": "s"},
    ]
    charts = {"depth": depth, "wait": {"x": span.ends, "series": times}}
    cut = waits.MOST if waits.cut_short(found) else None
    return replace(page, history=told, window=window, charts=charts, cut=cut)


@router.post("/pause")
async def pause(visit: Operating, name: str) -> Response:
    """Let nothing more be claimed, for a reason, for some time or until it is resumed."""
    reason = visit.form.text("reason")
    if not reason:
        raise ConfigError("reason: say why, for all whose launches wait")
    seconds = visit.form.text("seconds", FOREVER)
    if not seconds.isdecimal() or len(seconds) > 8:
        raise ConfigError(f"seconds: {seconds[:60]!r} is no number of seconds")
    now = time.time()
    until = now + int(seconds) if seconds != FOREVER else None
    return await _set(visit, name, Pause(reason=reason, by=visit.name, at=now, until=until))


@router.post("/resume")
async def resume(visit: Operating, name: str) -> Response:
    """End a pause."""
    return await _set(visit, name, None)


@router.post("/delete")
async def delete(visit: Operating, name: str) -> Response:
    """Remove the queue; what waits in it is stopped if that was wanted."""
    queues = StoreQueues(visit.database, visit.entity)
    await queues.delete(name, visit.name, force=visit.form.checked("force"))
    return visit.go(visit.at("queues"))


async def _set(visit: Visit, name: str, pause: Pause | None) -> Response:
    queues = StoreQueues(visit.database, visit.entity)
    queue = await queues.find(name)
    await queues.update(queue.spec, visit.name, pause=pause, if_version=queue.version)
    return visit.go(visit.at("queues", name))
