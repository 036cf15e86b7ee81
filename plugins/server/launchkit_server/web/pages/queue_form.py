"""Making a queue and changing one: settings, config, and a tile for each template field."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import anyio.to_thread
from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from launchkit.errors import Conflict
from launchkit.model import Queue
from launchkit.model.people import Permission
from launchkit.resolving.written_secrets import secrets_warning
from launchkit.store.hub import StoreQueues
from launchkit_server import kinds
from launchkit_server.web.comments import has_comments
from launchkit_server.web.queue_forms import (
    NONE,
    TYPES,
    Draft,
    Fault,
    Reading,
    Variables,
    changes,
    draft_of,
    drafted,
    in_syntax,
    read,
)
from launchkit_server.web.twins import changing, creating
from launchkit_server.web.visits import Operating, Visit

BARE = "json-bare"
"""The button that turns a config into JSON although it has comments."""
OVER = "what you would change of it as it is now stands below: save once more to save over it"

router = APIRouter(prefix="/e/{entity}")


@router.get("/new-queue")
async def begin(visit: Operating, resource: str = "local-process") -> Response:
    """The form of a new queue, with the config that its kind begins with."""
    draft = Draft(resource=resource)
    return await _form(visit, Reading(draft=await anyio.to_thread.run_sync(_begun_anew, draft)))


@router.post("/new-queue")
async def create(visit: Operating) -> Response:
    """Make the queue that was drafted; or only look at it again."""
    reading = await _read(visit)
    if visit.form.text("do") != "save":
        return await _form(visit, reading)
    if reading.spec is None:
        return await _form(visit, reading, status=422)
    try:
        owner = visit.elsewhere(visit.form.text("owner") or visit.entity, Permission.OPERATE)
        made = await StoreQueues(owner.database, owner.entity).create(reading.spec, visit.name)
    except Conflict as exc:
        fault = Fault(message=exc.message, at="name")
        return await _form(visit, replace(reading, faults=[fault]), status=409)
    return visit.go(owner.at("queues", made.name))


@router.post("/queues/check")
async def check(visit: Operating) -> Response:
    """What is wrong with a draft at which line of its config, for the editor."""
    draft = drafted(visit.form)
    reading = await visit.in_turn(partial(read, draft, strict=False), of=draft)
    faults = [one for one in reading.faults if one.line is not None]
    return JSONResponse(
        [{"line": one.line, "message": one.message, "severity": "error"} for one in faults]
    )


@router.get("/queues/kinds/{kind}/schema")
async def schema(visit: Operating, kind: str) -> Response:
    """The JSON Schema of the configs of a kind, for the editor."""
    found = await anyio.to_thread.run_sync(kinds.kind_of, kind)
    return JSONResponse(found.config_schema)


@router.get("/queues/{name}/edit")
async def edit(visit: Operating, name: str) -> Response:
    """The form of a queue that is there."""
    queue = await _queue(visit, name)
    draft = await visit.in_turn(partial(draft_of, queue), of=queue)
    return await _form(visit, Reading(draft=draft, variables=queue.spec.variables), queue)


@router.post("/queues/{name}/edit")
async def change(visit: Operating, name: str) -> Response:
    """Change a queue as it was drafted; or show what would be changed."""
    queue = await _queue(visit, name)
    draft = replace(drafted(visit.form), name=name, resource=queue.spec.resource)
    reading = await _read(visit, draft, queue.spec.variables)
    if visit.form.text("do") != "save" or reading.spec is None:
        return await _form(visit, reading, queue)
    said = draft.version
    version = int(said) if said.isdecimal() and len(said) < 18 else 0
    try:
        await StoreQueues(visit.database, visit.entity).update(
            reading.spec, visit.name, pause=queue.pause, if_version=version
        )
    except Conflict as exc:
        return await _against_newer(visit, draft, exc)
    return visit.go(visit.at("queues", name, tab="config"))


async def _against_newer(visit: Visit, draft: Draft, exc: Conflict) -> Response:
    """The form beside what another has saved meanwhile: to save once more is to save over it."""
    queue = await _queue(visit, draft.name)
    reading = await _read(visit, replace(draft, version=str(queue.version)), queue.spec.variables)
    told = Fault(message=f"{exc.message}; {OVER}")
    return await _form(visit, replace(reading, faults=[*reading.faults, told]), queue, 409)


async def _read(visit: Visit, draft: Draft | None = None, before: Variables = NONE) -> Reading:
    draft, wanted = draft or drafted(visit.form), visit.form.text("do")
    return await visit.in_turn(partial(_reading, draft, wanted, before), of=draft)


def _reading(draft: Draft, wanted: str, before: Variables) -> Reading:
    """A draft as it is meant, after what a button has done to it; comments are not dropped before
    that was agreed to.
    """
    if wanted == "resource":
        draft = _begun_anew(draft)
    if wanted in {"yaml", BARE}:
        draft = in_syntax(draft, "json" if wanted == BARE else "yaml")
    if wanted == "json":
        turned = in_syntax(draft, "json")
        if turned.config != draft.config and has_comments(draft.config):
            return replace(read(draft, strict=False, before=before), loses_comments=True)
        draft = turned
    return read(draft, strict=wanted == "save", before=before)


def _begun_anew(draft: Draft) -> Draft:
    """With the config that its kind begins with, if nobody has written one yet."""
    starters = {one.kind: one.starter_config for one in kinds.installed()}
    if draft.config.strip() not in {"", *(text.strip() for text in starters.values())}:
        return draft
    return replace(draft, config=starters.get(draft.resource, ""), syntax="yaml")


async def _queue(visit: Visit, name: str) -> Queue:
    return await StoreQueues(visit.database, visit.entity).find(name)


async def _form(
    visit: Visit, reading: Reading, queue: Queue | None = None, status: int = 200
) -> Response:
    told = await visit.in_turn(partial(_told, reading, queue), of=(reading.draft, queue))
    return await visit.page(
        "queue-form.html",
        status=status,
        here="queues",
        reading=reading,
        draft=reading.draft,
        queue=queue,
        owner=visit.form.text("owner"),
        types=TYPES,
        kinds=await anyio.to_thread.run_sync(kinds.installed),
        **told,
    )


def _told(reading: Reading, queue: Queue | None) -> Mapping[str, Any]:
    """What takes long to tell of a large config."""
    return {
        "twin": creating(reading) if queue is None else changing(queue.spec.name),
        "changes": changes(queue.spec, reading.spec) if queue and reading.spec else None,
        "warning": secrets_warning(reading.spec) if reading.spec else None,
    }
