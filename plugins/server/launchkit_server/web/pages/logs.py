"""Logs for pages: parts of them, searched, and as files."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import Response, StreamingResponse

from launchkit.wire.protocol import BYTES_TYPE, LOG_COMPLETE_HEADER, LOG_SIZE_HEADER
from launchkit_server.downloads import downloaded
from launchkit_server.logs import LAST_ATTEMPT
from launchkit_server.searching import Found, Wanted, search
from launchkit_server.web.visits import Following, Reading

router = APIRouter(prefix="/e/{entity}/launches/{item_id}/log")

PART = 2**20
Attempt = Annotated[int | None, Query(ge=0, le=LAST_ATTEMPT)]
Offset = Annotated[int, Query(ge=0, le=2**62)]


@dataclass(frozen=True)
class Part:
    """Which bytes of a log are wanted."""

    attempt: Attempt = None
    offset: Offset = 0
    limit: Annotated[int, Query(ge=1, le=PART)] = PART


@router.get("")
async def read(item_id: str, part: Annotated[Part, Depends()], visit: Reading) -> Response:
    """Some bytes of a log; headers say how long it is so far, and whether it is complete."""
    stored = visit.service.logs(visit.database, visit.entity)
    page = await stored.read(item_id, part.attempt, part.offset)
    headers = {
        LOG_SIZE_HEADER: str(page.size),
        LOG_COMPLETE_HEADER: str(page.complete).lower(),
    }
    return Response(page.data[: part.limit], headers=headers, media_type=BYTES_TYPE)


@router.get("/search")
async def find(
    item_id: str,
    visit: Reading,
    text: Annotated[str, Query(min_length=1, max_length=500)],
    attempt: Attempt = None,
    offset: Offset = 0,
) -> Found:
    """Where a text stands in a bounded part of a log, in whatever case."""
    wanted = Wanted(item_id, attempt, text, offset)
    return await search(visit.service.logs(visit.database, visit.entity), wanted)


@router.get("/file")
async def file(
    item_id: str,
    visit: Following,
    attempt: Attempt = None,
    wanted: Annotated[str | None, Header(alias="Range", max_length=200)] = None,
) -> StreamingResponse:
    """All of a log as far as it goes now, as a file."""
    await visit.places.take(visit.service.transfers)
    stored = visit.service.logs(visit.database, visit.entity)
    answer = await downloaded(stored, item_id, attempt, wanted, visit.still)
    name = "".join(one for one in item_id if one.isascii() and one.isalnum()) or "launch"
    answer.headers["content-disposition"] = f'attachment; filename="{name}.log"'
    return answer
