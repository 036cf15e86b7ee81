"""Jobs: their versions, what each runs, and what may be put into it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from launchkit.addresses import masked
from launchkit.model import GitSource, ImageSource, Recipe, Source
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
    recipe = shown.recipe
    large = recipe.env, recipe.config, recipe.resource_args, recipe.input_schema
    return await visit.page(
        "job.html",
        here="jobs",
        versions=versions,
        more=more,
        shown=shown,
        told=source_told,
        **await visit.in_turn(partial(_told, recipe), of=large),
    )


def _told(recipe: Recipe) -> Mapping[str, Any]:
    """What takes long to tell of a large recipe."""
    return {
        "inputs": inputs_of(recipe),
        "env": hidden(recipe.env),
        "resource_args": hidden(recipe.resource_args),
    }


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


def inputs_of(recipe: Recipe) -> Sequence[Input]:
    """What the schema of a job's config names, else what its config holds."""
    config = hidden(recipe.config)
    properties = (recipe.input_schema or {}).get("properties")
    if not isinstance(properties, Mapping) or not properties:
        return [
            Input(name=name, type=type(value).__name__, default=value, about="", bounds="")
            for name, value in config.items()
        ]
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
