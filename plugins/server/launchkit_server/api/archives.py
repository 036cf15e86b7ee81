"""Packed code, by its digest, up and down as streams."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import StreamingResponse

from launchkit.wire.user_side import ArchiveKnown
from launchkit_server.access import AgentSide, Caller, Sender, Submitter
from launchkit_server.archives import IN_THE_DATABASE, cut
from launchkit_server.downloads import while_allowed
from launchkit_server.rates import asker
from launchkit_server.service import TheService

router = APIRouter(prefix="/archives", tags=["archives"])

Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
GZIP_TYPE = "application/gzip"


@router.get("/{digest}/known")
async def known(entity: str, digest: Digest, service: TheService, who: Submitter) -> ArchiveKnown:
    """Whether code with that digest is stored whole, and how much of it the same one has sent."""
    return await service.archives(who.database).known(digest, _name_of(who))


@router.put("/{digest}", status_code=204)
async def put(
    entity: str,
    digest: Digest,
    request: Request,
    service: TheService,
    who: Sender,
    offset: Annotated[int, Query(ge=0, le=2**62)] = 0,
) -> None:
    """Store packed code; it is known once all of it is there. One that was cut off goes on at the
    byte where it was, if the same one sends it.
    """
    await who.places.take(service.transfers)
    pieces = while_allowed(cut(request.stream(), IN_THE_DATABASE), who.still)
    await service.archives(who.database).put(digest, _name_of(who), offset, pieces)


@router.get(
    "/{digest}",
    response_class=StreamingResponse,
    responses={200: {"content": {GZIP_TYPE: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def get(
    entity: str, digest: Digest, service: TheService, who: AgentSide
) -> StreamingResponse:
    """The compressed bytes."""
    await who.places.take(service.transfers)
    pieces = while_allowed(await service.archives(who.database).get(digest), who.still)
    return StreamingResponse(pieces, media_type=GZIP_TYPE)


def _name_of(who: Caller) -> str:
    return asker(who.principal).hex()
