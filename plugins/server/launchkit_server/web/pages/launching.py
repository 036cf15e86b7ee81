"""The form for a launch: it asks for what the queue leaves open, and shows what it comes to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import uuid4

from fastapi import APIRouter
from fastapi.responses import Response

from launchkit.abc import LaunchRequest, QueueView
from launchkit.errors import ConfigError, LaunchkitError, NotFound, QueueError
from launchkit.images.launch_checks import check_launch
from launchkit.model import (
    ImageSource,
    JobVersion,
    LaunchSpec,
    Priority,
    Queue,
    QueueItem,
    QueueSpec,
    Recipe,
    Variable,
)
from launchkit.plugins import Plugins
from launchkit.resolving.known_secrets import are_too_many, queue_secrets
from launchkit.resolving.masking import HIDDEN
from launchkit.resolving.resolve import Choices
from launchkit.resolving.secret_values import hidden, without_values
from launchkit.resolving.shown import OF_QUEUES, Row, request_data, request_rows
from launchkit.store import agents
from launchkit.store.hub import StoreLaunches, StoreQueues
from launchkit.store.hub_jobs import StoreJobs
from launchkit_server.web.forms import LONGEST_KEY
from launchkit_server.web.launch_fields import (
    SAME,
    VARIABLE,
    Base,
    Faults,
    LaunchFields,
    command_of,
    priority_in,
    recipe_of,
    spec_of,
)
from launchkit_server.web.pages.jobs import source_told
from launchkit_server.web.visits import Submitting, Visit

router = APIRouter(prefix="/e/{entity}/launch")

NOTHING = LaunchSpec(recipe=Recipe(source=ImageSource(image="")))
NOT_SHOWN = ("files", "artifacts", "dockerfile", "working_dir")
"""What an override may hold that the form has no field for."""
UNTOLD = frozenset({"source.size", "source.kind"})
"""Choices of which nobody wonders."""
_NAMED = ("resource_args", "builder_args", "env")
"""What has names that tell of secrets."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The form as it stands."""

    fields: LaunchFields
    queues: Sequence[QueueView]
    queue: QueueSpec | None
    jobs: Sequence[JobVersion]
    again: QueueItem | None
    key: str
    """Launches once, however often the form is sent."""

    @property
    def kept(self) -> Sequence[str]:
        """What is launched again as it was, though the form does not show it."""
        wanted = self.again.spec.overrides if self.again else NOTHING.overrides
        return [name for name in NOT_SHOWN if getattr(wanted, name)]

    @property
    def strange(self) -> Mapping[str, str]:
        """Values of variables that this queue does not have."""
        known = self.queue.variables if self.queue else {}
        return {name: one for name, one in self.fields.variables.items() if name not in known}


@router.get("")
async def show(visit: Submitting) -> Response:
    """The form; what the address names is filled in."""
    query = visit.request.query_params
    again = await _again(visit, query.get("again", ""))
    queues = await StoreQueues(visit.database, visit.entity).list()
    queue = query.get("queue") or (again.queue if again else queues[0].queue.name if queues else "")
    if again:
        filled = partial(LaunchFields.of, queue, again.spec, again.priority)
        fields = await visit.in_turn(filled, of=again.spec)
    else:
        job = query.get("job", "")
        fields = LaunchFields.of(queue, NOTHING)
        texts = {**fields.texts, "kind": "job" if job or not query.get("image") else "image"}
        fields = replace(fields, texts={**texts, "job": job, "image": query.get("image", "")})
    return await _form(visit, fields, again, uuid4().hex)


@router.post("")
async def send(visit: Submitting) -> Response:
    """Launch, or show the form for another queue."""
    fields = LaunchFields.sent(visit.form)
    again = await _again(visit, visit.form.text("again"))
    key = visit.form.short("key", LONGEST_KEY) or uuid4().hex
    if visit.form.text("act") != "launch":
        return await _form(visit, fields, again, key)
    try:
        item = await _launch(visit, fields, again, key)
    except Faults as exc:
        return await _form(visit, fields, again, key, faults=exc.faults, status=422)
    except LaunchkitError as exc:
        faults = _placed(exc)
        return await _form(visit, fields, again, key, faults=faults, hint=exc.hint, status=422)
    return visit.go(visit.at("launches", item.id))


@router.post("/preview")
async def preview(visit: Submitting) -> Response:
    """What would be launched, or what is in the way; as `launchkit launch --dry-run`."""
    fields = LaunchFields.sent(visit.form)
    again = await _again(visit, visit.form.text("again"))
    command = await visit.in_turn(partial(command_of, fields), of=fields)
    try:
        rows = await _rows(visit, fields, again)
    except Faults as exc:
        return await visit.page(
            "parts/launch-preview.html", rows=(), said=exc.faults, command=command
        )
    except LaunchkitError as exc:
        said = {"": exc.message}
        return await visit.page("parts/launch-preview.html", rows=(), said=said, command=command)
    return await visit.page("parts/launch-preview.html", rows=rows, said={}, command=command)


async def _form(
    visit: Visit,
    fields: LaunchFields,
    again: QueueItem | None,
    key: str,
    *,
    status: int = 200,
    **more: Any,
) -> Response:
    database = visit.database
    queues = await StoreQueues(database, visit.entity).list()
    found = [one.queue for one in queues if one.queue.name == fields["queue"]]
    asked = Asked(
        fields=fields,
        queues=queues,
        queue=await _shown(visit, found[0]) if found else None,
        jobs=await StoreJobs(database, visit.entity).page(None, None),
        again=again,
        key=key,
    )
    view = {"faults": {}, "hint": None, **more}
    return await visit.page(
        "launch.html",
        status=status,
        here="launches",
        asked=asked,
        fields=fields,
        levels=[level.name.lower() for level in Priority],
        told=source_told,
        variable=VARIABLE,
        **view,
    )


async def _shown(visit: Visit, queue: Queue) -> QueueSpec:
    if visit.may("operate"):
        return queue.spec
    return (await visit.service.seen_queues.of(queue)).shown


async def _launch(
    visit: Visit, fields: LaunchFields, again: QueueItem | None, key: str
) -> QueueItem:
    queue, spec = await _request(visit, fields, again)
    await _check(visit, queue, spec)
    request = LaunchRequest(
        spec=replace(spec, author=None),
        actor=visit.name,
        priority=priority_in(fields, prioritization=queue.prioritization),
        idempotency_key=f"form-{key}",
        again=again.id if again else None,
    )
    return await StoreLaunches(visit.database, visit.entity).launch(queue.name, request)


async def _rows(visit: Visit, fields: LaunchFields, again: QueueItem | None) -> Sequence[Row]:
    queue, spec = await _request(visit, fields, again)
    plan = await _check(visit, queue, spec)
    told = partial(_told, queue, spec, plan, knows_all=visit.may("operate"))
    return await visit.in_turn(told, of=(queue.config, queue.variables, spec))


def _told(queue: QueueSpec, spec: LaunchSpec, plan: Choices, *, knows_all: bool) -> Sequence[Row]:
    data = request_data(queue.name, spec, plan)
    rows = request_rows(data) if knows_all else _rows_without_secrets_of(queue, data)
    empty = {"", "null", "{}"}
    return [row for row in rows if row[1] not in empty and row[0] not in UNTOLD]


def _rows_without_secrets_of(queue: QueueSpec, data: dict[str, Any]) -> list[Row]:
    """Rows with `…` for what names tell to be a secret, and for the secrets of a queue in what is
    its own: what else stands there is known to who asks, who could else find out by it whether a
    guess is one.
    """

    def shown(secrets: Sequence[str]) -> Iterator[Row]:
        named = {name: hidden(data[name], secrets) for name in _NAMED}
        return request_rows({**without_values(data, secrets), **named})

    secrets = queue_secrets(queue)
    too_many = are_too_many(secrets)
    rows = zip(request_rows(data), shown(()), shown(() if too_many else secrets), strict=True)
    of_the_queue = [HIDDEN, HIDDEN] if too_many else None
    return [
        (*((of_the_queue or known) if who in OF_QUEUES else named)[:2], who)
        for (*_, who), named, known in rows
    ]


async def _check(visit: Visit, queue: QueueSpec, spec: LaunchSpec) -> Choices:
    async def known() -> Any:
        return await visit.database.read(agents.List(visit.entity))

    in_turn = partial(visit.in_turn, of=(queue.config, queue.variables, spec))
    return await check_launch(queue, spec, known, Plugins(), in_turn)


async def _request(
    visit: Visit, fields: LaunchFields, again: QueueItem | None
) -> tuple[QueueSpec, LaunchSpec]:
    """The queue, and the request that the fields make."""
    if not fields["queue"]:
        raise Faults({"queue": "choose a queue"})
    queue = (await StoreQueues(visit.database, visit.entity).find(fields["queue"])).spec
    spec = again.spec if again else NOTHING
    if not again or fields["kind"] != SAME:
        recipe, job = await _source(visit, fields)
        spec = replace(spec, recipe=recipe, job=job)
    meant = partial(_meant, fields, again, spec, queue.variables)
    return queue, await visit.in_turn(meant, of=(fields, spec))


def _meant(
    fields: LaunchFields, again: QueueItem | None, spec: LaunchSpec, known: Mapping[str, Variable]
) -> LaunchSpec:
    shown = LaunchFields(texts={})
    if again:
        shown = LaunchFields.of(again.queue, spec, again.priority)
    return spec_of(fields, Base(spec=spec, shown=shown), known)


async def _source(visit: Visit, fields: LaunchFields) -> tuple[Recipe, str | None]:
    if fields["kind"] != "job":
        return recipe_of(fields), None
    if not fields["job"]:
        raise Faults({"job": "choose a job"})
    try:
        job = await StoreJobs(visit.database, visit.entity).get(fields["job"])
    except NotFound as exc:
        raise Faults({"job": exc.message}) from exc
    return job.recipe, job.reference


async def _again(visit: Visit, ref: str) -> QueueItem | None:
    if not ref:
        return None
    return (await StoreLaunches(visit.database, visit.entity).get(ref)).item


def _placed(exc: LaunchkitError) -> Mapping[str, str]:
    """What the rules object to, beside the fields that it is about."""
    if isinstance(exc, QueueError) and not isinstance(exc, ConfigError | NotFound):
        return {"": exc.message}
    faults: dict[str, str] = {}
    for line in exc.message.splitlines():
        about, _, text = line.partition(": ")
        name = about.removeprefix("template variable ")
        place = VARIABLE + name if name != about and text else ""
        faults[place] = f"{faults[place]}\n{line}" if place in faults else (text if place else line)
    return faults
