"""What runs printed."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import Response, StreamingResponse

from launchkit.store import topics
from launchkit.wire.protocol import BYTES_TYPE, LOG_COMPLETE_HEADER, LOG_SIZE_HEADER
from launchkit_server.access import Follower
from launchkit_server.downloads import downloaded
from launchkit_server.logs import LAST_ATTEMPT
from launchkit_server.polling import Poll, polled
from launchkit_server.service import TheService

router = APIRouter(tags=["logs"])


@dataclass(frozen=True)
class Part:
    """Which part of a log is wanted."""

    item: str
    attempt: Annotated[int | None, Query(ge=0, le=LAST_ATTEMPT)] = None
    offset: Annotated[int, Query(ge=0, le=2**62)] = 0
    wait: float = 0.0


@router.get("/log", response_class=Response)
async def read(
    entity: str, part: Annotated[Part, Depends()], service: TheService, who: Follower
) -> Response:
    """A page of a log from its offset on: its bytes; headers say how long the log is so far, and
    whether it is complete.
    """
    stored = service.logs(who.database, entity)
    poll = Poll(
        look=lambda: stored.read(part.item, part.attempt, part.offset),
        enough=lambda page: bool(page.data) or page.complete,
        about=[topics.of_log(entity, part.item), topics.of_item(entity, part.item)],
    )
    page = await polled(poll, part.wait, service, who)
    headers = {LOG_SIZE_HEADER: str(page.size), LOG_COMPLETE_HEADER: str(page.complete).lower()}
    return Response(page.data, headers=headers, media_type=BYTES_TYPE)


@dataclass(frozen=True)
class Wanted:
    """The log that is wanted, and which bytes of it."""

    item_id: str
    attempt: Annotated[int | None, Query(ge=0, le=LAST_ATTEMPT)] = None
    wanted: Annotated[str | None, Header(alias="Range", max_length=200)] = None


@router.get("/items/{item_id}/log", response_class=StreamingResponse)
async def download(
    entity: str, log: Annotated[Wanted, Depends()], service: TheService, who: Follower
) -> StreamingResponse:
    """All of a log as far as it goes now, or the bytes that `Range` names, as a stream."""
    await who.places.take(service.transfers)
    return await downloaded(
        service.logs(who.database, entity), log.item_id, log.attempt, log.wanted, who.still
    )
