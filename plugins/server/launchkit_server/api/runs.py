"""What a run may do for itself, with the token of its attempt: see its own launch and log, and
tell its outputs.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import Response

from launchkit.model import Json, RunView
from launchkit.store import outputs, runs
from launchkit_server.access import FollowingRun, RunItself
from launchkit_server.api import logs
from launchkit_server.service import TheService

router = APIRouter(prefix="/runs/{item_id}", tags=["runs"])


@dataclass(frozen=True)
class Part:
    """Which part of the attempt's log is wanted."""

    offset: Annotated[int, Query(ge=0, le=2**62)] = 0
    wait: float = 0.0


@router.get("")
async def get(entity: str, item_id: str, who: RunItself) -> RunView:
    """The run's own launch, with its config and outputs, and whether somebody wants it to stop."""
    return await who.database.read(runs.Get(entity, item_id))


@router.patch("/outputs", status_code=204)
async def tell_outputs(
    entity: str,
    item_id: str,
    told: Annotated[Json, Body(examples=[{"loss": 0.12, "checkpoint": "s3://models/17"}])],
    who: RunItself,
) -> None:
    """Lay outputs over those of the run's own attempt, key by key; null takes one away."""
    attempt = who.principal.attempt or 0
    await who.database.write(outputs.Tell(entity, item_id, attempt, told))


@router.get("/log", response_class=Response)
async def log(
    entity: str,
    item_id: str,
    part: Annotated[Part, Depends()],
    service: TheService,
    who: FollowingRun,
) -> Response:
    """A piece of the log of the run's own attempt from an offset on, as with `/log`."""
    own = logs.Part(item=item_id, attempt=who.principal.attempt, offset=part.offset, wait=part.wait)
    return await logs.read(entity, own, service, who)
