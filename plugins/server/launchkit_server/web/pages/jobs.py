"""Jobs: their versions, what each runs, and what may be put into it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from launchkit.addresses import masked
from launchkit.model import GitSource, ImageSource, JobVersion, Source
from launchkit.resolving.secret_values import hidden
from launchkit.store import jobs
from launchkit.store.hub_jobs import StoreJobs
from launchkit_server.web.visits import Reading, Visit

router = APIRouter(prefix="/e/{entity}/jobs")


@dataclass(frozen=True, kw_only=True)
class Input:
    """One thing that a job's config takes."""

    name: str
    type: str
    default: object
    about: str
    bounds: str


@router.get("")
async def show(visit: Reading) -> Response:
    """The latest version of each job, a page of them."""
    after = visit.request.query_params.get("after")
    found = await StoreJobs(visit.database, visit.entity).page(None, after)
    more = await _more(visit, None, found[-1].name) if found else None
    return await visit.page("jobs.html", here="jobs", jobs=found, more=more, told=source_told)


@router.get("/{name}")
async def show_one(name: str, visit: Reading) -> Response:
    """A page of the versions of one job, newest first, and one of them in full."""
    stored = StoreJobs(visit.database, visit.entity)
    wanted, after = (visit.request.query_params.get(key) for key in ("version", "after"))
    versions = await stored.page(name, after)
    if wanted or not versions:
        shown = await stored.get(f"{name}:v{wanted}" if wanted else name)
    else:
        shown = versions[0]
    more = await _more(visit, name, f"v{versions[-1].version}") if versions else None
    return await visit.page(
        "job.html",
        here="jobs",
        versions=versions,
        more=more,
        shown=shown,
        inputs=inputs_of(shown),
        env=hidden(shown.recipe.env),
        config=hidden(shown.recipe.config),
        resource_args=hidden(shown.recipe.resource_args),
        told=source_told,
    )


async def _more(visit: Visit, name: str | None, after: str) -> str | None:
    """Where the next page begins, if there is one: a page holds only so much."""
    there = await visit.database.read(jobs.List(visit.entity, name, after, limit=1))
    return after if there else None


def source_told(source: Source) -> str:
    """Where code comes from, on one line."""
    if isinstance(source, ImageSource):
        return f"image {source.image}"
    if isinstance(source, GitSource):
        at = (source.commit or "")[:12] or source.ref
        return f"git {masked(source.remote)}" + (f" at {at}" if at else "")
    return f"directory {source.name}, {source.digest[:12]}"


def inputs_of(job: JobVersion) -> Sequence[Input]:
    """What the schema of a job's config names, else what its config holds."""
    schema = job.recipe.input_schema or {}
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        return [
            Input(name=name, type=type(value).__name__, default=value, about="", bounds="")
            for name, value in hidden(job.recipe.config).items()
        ]
    config = hidden(job.recipe.config)
    return [
        _input(str(name), part if isinstance(part, Mapping) else {}, config.get(str(name)))
        for name, part in properties.items()
    ]


def _input(name: str, part: Mapping[str, Any], given: object) -> Input:
    words = {"minimum": "at least", "maximum": "at most", "enum": "one of", "pattern": "like"}
    bounds = [f"{word} {part[key]}" for key, word in words.items() if key in part]
    return Input(
        name=name,
        type=str(part.get("type", "any")),
        default=given if given is not None else part.get("default"),
        about=str(part.get("description", part.get("title", ""))),
        bounds=", ".join(bounds),
    )
