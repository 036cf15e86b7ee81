"""All launches of an entity: filtered, page by page, and many of them changed at once."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from launchkit.abc import SORTED, Change, Hold, ItemView, Release, SetPriority, Stop
from launchkit.errors import ConfigError
from launchkit.model import ItemState, Priority, QueueItem
from launchkit.store import changes
from launchkit.store.hub import StoreLaunches, StoreQueues
from launchkit.store.launches import Count
from launchkit.store.queue_masks import written
from launchkit_server.many import Make, behind, change_each, ids_of
from launchkit_server.web.filtering import AGES, COLUMNS, SORTS, View
from launchkit_server.web.forms import LONGEST_KEY
from launchkit_server.web.visits import Operating, Reading, Visit

router = APIRouter(prefix="/e/{entity}/launches")

PAGE = 100
MOST = SORTED
"""How many launches are changed at once."""
SHOWN = 50
"""Refusals that are told one by one."""
WORDS: Mapping[str, str] = {
    "stop": "stopped",
    "hold": "held",
    "release": "released",
    "requeue": "launched again or put back",
    "priority": "given another priority",
}


@dataclass(frozen=True, kw_only=True)
class ListPage:
    """A page of a list."""

    now: float
    view: View
    items: Sequence[ItemView]
    more: str | None
    """Behind what the next page begins."""
    queues: Sequence[str]
    twin: str | None
    """The command that shows the same, if there is one."""
    many: int
    """How many match, on all pages; one more than are counted stands for all above."""


@router.get("")
async def show(visit: Reading, view: Annotated[View, Depends()]) -> Response:
    """A page of the list, at the address that says no more than what is not usual: a form has all
    its fields in it.
    """
    said = view.but(after=view.after)
    if any(not said.get(name, "of others") for name in visit.request.query_params):
        return visit.go(visit.at("launches", **said))
    database, now = visit.database, time.time()
    found = await StoreLaunches(database, visit.entity).page(view.selection(now, PAGE + 1))
    queues = await StoreQueues(database, visit.entity).list()
    page = ListPage(
        now=now,
        view=view,
        items=found[:PAGE],
        more=behind(found, PAGE),
        queues=[one.queue.name for one in queues],
        twin=view.command(PAGE),
        many=await _many(visit, view, now, MOST + 1),
    )
    return await visit.page(
        "launches.html",
        here="launches",
        page=page,
        most=MOST,
        ages=AGES,
        columns=COLUMNS,
        sorts=SORTS,
        states=ItemState,
        priorities=[one.name.lower() for one in Priority],
    )


@router.post("/changes")
async def change(visit: Operating) -> Response:
    """Change those that were chosen, or all that the list shows on all its pages; what cannot be
    undone is asked about first.
    """
    verb = visit.form.text("verb")
    if verb not in WORDS:
        raise ConfigError(f"verb: {verb[:60]!r} is nothing that can be done with launches")
    if verb == "stop" and not visit.form.checked("sure"):
        return await _ask(visit)
    ids = await _chosen(visit)
    done = await change_each(ids, _make(visit, verb))
    refused = [one for one in done if one.refused is not None]
    return await visit.page(
        "launches-changed.html",
        here="launches",
        word=WORDS[verb],
        many=len(done),
        changed=len(done) - len(refused),
        refused=refused[:SHOWN],
        back=visit.at("launches", **_view(visit).query),
        most=MOST,
    )


async def _ask(visit: Visit) -> Response:
    view, every = _view(visit), visit.form.checked("all")
    ids = [] if every else visit.form.all("id")[:MOST]
    return await visit.page(
        "launches-sure.html",
        here="launches",
        many=await _many(visit, view, time.time(), MOST) if every else len(ids),
        most=MOST,
        every=every,
        ids=ids,
        form=visit.form,
        back=visit.at("launches", **view.query),
    )


async def _many(visit: Visit, view: View, now: float, most: int) -> int:
    wanted = replace(view, after="").selection(now, most)
    return await visit.database.read(Count(visit.entity, wanted))


async def _chosen(visit: Visit) -> Sequence[str]:
    if not visit.form.checked("all"):
        return visit.form.all("id")[:MOST]
    view = replace(_view(visit), after="", sort="oldest")
    return await ids_of(visit.database, visit.entity, view.selection(time.time(), MOST))


def _view(visit: Visit) -> View:
    """The list in which they were chosen, from the query of its address."""
    return View.of(visit.form.text("view"))


def _make(visit: Visit, verb: str) -> Make:
    database, entity, who = visit.database, visit.entity, visit.name
    if verb == "requeue":
        key = visit.form.short("key", LONGEST_KEY)

        async def requeue(item_id: str) -> QueueItem:
            own = f"{key}:{item_id}" if key else None
            return await written(database, changes.Requeue(entity, item_id, who, own))

        return requeue
    wanted = _change(visit, verb)

    async def make(item_id: str) -> QueueItem:
        return await written(database, changes.Make(entity, item_id, wanted, who))

    return make


def _change(visit: Visit, verb: str) -> Change:
    reason = visit.form.text("reason")
    if verb == "stop":
        return Stop(reason=reason or None)
    if verb == "hold":
        return Hold(reason=reason or "held in a list")
    if verb == "release":
        return Release()
    level = visit.form.text("level").upper()
    if level not in Priority.__members__:
        raise ConfigError(f"level: {level[:60]!r} is no priority")
    return SetPriority(level=Priority[level])
