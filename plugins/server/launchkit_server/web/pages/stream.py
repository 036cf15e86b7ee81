"""The stream that the pages of a browser share: which launches and queues to look at again, and how
far the logs go that are followed. It says nothing of what is in them, so that it stays small.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import anyio
from fastapi import APIRouter, Depends, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from launchkit.codec import encode_json
from launchkit.errors import Forbidden, LaunchkitError, Unauthenticated
from launchkit.store import logs, topics
from launchkit.store.events import settled
from launchkit.store.logs import LogEnd
from launchkit.store.touched import Glance, Touched
from launchkit_server.problems import tell_end
from launchkit_server.web.visits import Following, Visit, one_more_stream

router = APIRouter(prefix="/e/{entity}")

BEAT_SECONDS = 15.0
"""How often one hears that the stream lives, if nothing else is to be said."""
PACE_SECONDS = 0.25
"""What happens within so short a time is told at once."""
STREAM_SECONDS = 300.0
"""How long one stream lasts; the browser comes back."""
MAX_LOGS = 20
OVER = ServerSentEvent(event="over", raw_data="{}")
"""The session is over: the browser need not come back."""
Stream = AsyncIterator[ServerSentEvent]


@dataclass
class Wanted:
    """What a browser wants to hear of, and what it knows."""

    since: int
    logs: Sequence[str]
    known: dict[str, LogEnd] = field(default_factory=dict)


async def _wanted(
    visit: Following,
    since: Annotated[int | None, Query(ge=0, le=2**62)] = None,
    logs: Annotated[str, Query(max_length=2000, pattern=r"^[\w,-]*$")] = "",
) -> Wanted:
    begin = await settled(visit.database) if since is None else since
    return Wanted(begin, [one for one in logs.split(",") if one][:MAX_LOGS])


@router.get("/stream", response_class=EventSourceResponse, dependencies=[Depends(one_more_stream)])
async def stream(visit: Following, wanted: Annotated[Wanted, Depends(_wanted)]) -> Stream:
    """What changes in an entity, as it changes."""
    service = visit.service
    until = anyio.current_time() + STREAM_SECONDS
    followed = (topics.of_log(visit.entity, one) for one in wanted.logs)
    with service.database.topics.subscribed(f"entity:{visit.entity}", *followed) as news:
        yield _beat(wanted)
        while not service.ending and anyio.current_time() < until:
            try:
                async with service.following:
                    await visit.still()
                    told = await _told(visit, wanted)
            except (Unauthenticated, Forbidden):
                yield OVER
                return
            except LaunchkitError as exc:
                tell_end(exc)
                return
            for one in told:
                yield one
            if not await news.wait(BEAT_SECONDS):
                yield _beat(wanted)
            await anyio.sleep(PACE_SECONDS)


async def _told(visit: Visit, wanted: Wanted) -> Sequence[ServerSentEvent]:
    database = visit.database
    until = await settled(database)
    told = []
    if until > wanted.since:
        glance = await database.read(Touched(visit.entity, wanted.since, until))
        wanted.since = until
        if glance:
            told.append(_change(glance))
    if wanted.logs:
        for end in await database.read(logs.Ends(visit.entity, wanted.logs)):
            if wanted.known.get(end.item) != end:
                wanted.known[end.item] = end
                told.append(ServerSentEvent(event="log", raw_data=encode_json(end)))
    return told


def _change(glance: Glance) -> ServerSentEvent:
    return ServerSentEvent(id=str(glance.last), event="change", raw_data=encode_json(glance))


def _beat(wanted: Wanted) -> ServerSentEvent:
    return ServerSentEvent(id=str(wanted.since), event="beat", raw_data="{}")
