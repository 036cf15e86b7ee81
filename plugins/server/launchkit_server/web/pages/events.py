"""What happened in an entity, and who changed accounts, roles and tokens of the service."""

from collections.abc import Mapping

from fastapi import APIRouter
from fastapi.responses import Response

from launchkit.errors import ConfigError
from launchkit.model.names import length_problem
from launchkit.model.people import EVERYWHERE, Permission, refusal
from launchkit.shell_words import shell_join
from launchkit.store.happened import KINDS, NEWEST, Audit, Happened
from launchkit.store.hub import StoreQueues
from launchkit_server.web.visits import Administering, Reading, Visit

of_entity = APIRouter(prefix="/e/{entity}/events")
of_service = APIRouter(prefix="/settings/audit")

LIMIT = 100


@of_entity.get("")
async def show(visit: Reading) -> Response:
    """A page of events, newest first; the address has the filter."""
    wanted = {name: _asked(visit, name) for name in ("kind", "actor", "queue")}
    if wanted["kind"] and wanted["kind"] not in KINDS:
        raise ConfigError(
            f"kind: {wanted['kind'][:60]!r} is no kind of event",
            hint=f"the kinds are {', '.join(KINDS)}",
        )
    before = _before(visit)
    body = Happened(entity=visit.entity, before=before, limit=LIMIT, **wanted)
    page = await visit.database.read(body)
    queues = await StoreQueues(visit.database, visit.entity).list()
    return await visit.page(
        "events.html",
        here="events",
        page=page,
        wanted=wanted,
        kinds=KINDS,
        queues=[one.queue.name for one in queues],
        newest=before == NEWEST,
        command=_command(wanted, before),
        audits=refusal(visit.principal, Permission.ADMINISTER, EVERYWHERE) is None,
    )


@of_service.get("")
async def show_audit(visit: Administering) -> Response:
    """A page of the audit, newest first."""
    before = _before(visit)
    entries = await visit.database.read(Audit(before=before, limit=LIMIT))
    older = entries[-1].id if len(entries) == LIMIT else None
    return await visit.page(
        "audit.html",
        here="settings",
        tab="audit",
        entries=entries,
        command=_command({}, before, "audit"),
        older=older,
        newest=before == NEWEST,
    )


def _command(wanted: Mapping[str, str], before: int, name: str = "events") -> str:
    """What shows the same on the command line."""
    words = ["launchkit", name, "--limit", str(LIMIT)]
    for option, value in wanted.items():
        words += [f"--{option}={value}"] if value else []
    words += ["--before", str(before)] if before != NEWEST else []
    return shell_join(words)


def _asked(visit: Visit, name: str) -> str:
    text = visit.request.query_params.get(name, "").strip()
    if problem := length_problem(name, text):
        raise ConfigError(problem)
    return text


def _before(visit: Visit) -> int:
    text = visit.request.query_params.get("before", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else NEWEST


router = APIRouter()
router.include_router(of_entity)
router.include_router(of_service)
