"""What a run may do for itself, with the token of its attempt: see its own launch and log."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from launchkit.store import launches
from launchkit.wire.agent_side import RunView
from launchkit_server.access import RunItself
from launchkit_server.api import logs
from launchkit_server.service import TheService

router = APIRouter(prefix="/runs/{item_id}", tags=["runs"])


@dataclass(frozen=True)
class Part:
    """Which part of the attempt's log is wanted."""

    offset: Annotated[int, Query(ge=0, le=2**62)] = 0
    wait: float = 0.0


@router.get("")
async def get(entity: str, item_id: str, service: TheService, who: RunItself) -> RunView:
    """The run's own launch, with its config, and whether somebody wants it to stop."""
    item = (await service.database.read(launches.Get(entity, item_id))).item
    return RunView.of(item)


@router.get("/log", response_class=Response)
async def log(
    entity: str,
    item_id: str,
    part: Annotated[Part, Depends()],
    service: TheService,
    who: RunItself,
) -> Response:
    """A piece of the log of the run's own attempt from an offset on, as with `/log`."""
    own = logs.Part(item=item_id, attempt=who.principal.attempt, offset=part.offset, wait=part.wait)
    return await logs.read(entity, own, service, who)
