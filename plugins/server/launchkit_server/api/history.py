"""What happened in an entity, for those who look back."""

from typing import Annotated

from fastapi import APIRouter, Query

from launchkit.store.happened import NEWEST, Happened, HappenedPage
from launchkit_server.access import Reader

router = APIRouter(tags=["launches"])

MAX_EVENTS = 1000
Before = Annotated[int, Query(ge=0, le=NEWEST)]
Limit = Annotated[int, Query(ge=1, le=MAX_EVENTS)]
Wanted = Annotated[str, Query(max_length=300)]


@router.get("/history")
async def show(  # noqa: PLR0913,PLR0917 - each is a part of the query
    entity: str,
    who: Reader,
    kind: Wanted = "",
    actor: Wanted = "",
    queue: Wanted = "",
    before: Before = NEWEST,
    limit: Limit = 100,
) -> HappenedPage:
    """A page of what happened to queues and launches, newest first. It looks through a bounded
    number of events: one with few of them may be followed by others.
    """
    body = Happened(entity=entity, kind=kind, actor=actor, queue=queue, before=before, limit=limit)
    return await who.database.read(body)
