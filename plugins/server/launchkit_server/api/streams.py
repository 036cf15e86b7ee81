"""Events and output as they come, as server-sent events: for browsers, and for who writes against
the API. A stream that is cut off goes on where it was, by the `Last-Event-ID`.
"""

import codecs
import re
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Annotated

import anyio
from fastapi import APIRouter, Depends, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from launchkit.aio.topics import Subscription
from launchkit.codec import encode_json
from launchkit.errors import ConfigError, LaunchkitError
from launchkit.model import Event
from launchkit.store import launches, topics
from launchkit.store.events import settled
from launchkit.wire.user_side import Output
from launchkit_server.access import Caller, Follower, one_more_stream
from launchkit_server.logs import LAST_ATTEMPT
from launchkit_server.problems import tell_end
from launchkit_server.service import Service, TheService

router = APIRouter(tags=["streams"])

STREAM_SECONDS = 300.0
"""How long one stream lasts. The one who asks comes back, and its token is looked at anew."""
RETRY_MILLISECONDS = 1000
END = ServerSentEvent(event="end", raw_data="{}")
"""Nothing more will come: the launch has ended, and all of it was sent."""
LATER = ServerSentEvent(retry=RETRY_MILLISECONDS, comment="come back")
LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", max_length=60)]
ONE_MORE = Depends(one_more_stream)
Stream = AsyncIterator[ServerSentEvent]


@dataclass(frozen=True)
class _Patience:
    """When a stream has lasted long enough."""

    service: Service
    deadline: float

    @classmethod
    def of(cls, service: Service) -> "_Patience":
        return cls(service, anyio.current_time() + STREAM_SECONDS)

    async def wait(self, news: Subscription) -> bool:
        """Wait for news; whether to go on."""
        left = self.deadline - anyio.current_time()
        if left > 0 and not self.service.ending:
            await news.wait(left)
        return not self.service.ending and anyio.current_time() < self.deadline


async def _events_from(
    entity: str,
    who: Follower,
    service: TheService,
    item: str | None = None,
    since: Annotated[int | None, Query(ge=0, le=2**62)] = None,
    last_event_id: LastEventId = None,
) -> tuple[str | None, int]:
    """The id of the item, if there is one, and the event after which the stream begins."""
    if last_event_id is not None:
        since = _number(last_event_id)
    if item is not None:
        view = await who.database.read(launches.Get(entity, item))
        return view.item.id, since or 0
    if since is None:
        since = await settled(who.database)
    return None, since


@router.get("/events/stream", response_class=EventSourceResponse, dependencies=[ONE_MORE])
async def events(
    entity: str,
    who: Follower,
    service: TheService,
    begin: Annotated[tuple[str | None, int], Depends(_events_from)],
) -> Stream:
    """What happens, as it happens: of one item from its start, or of all from now on; `since` or
    `Last-Event-ID` begin after an event. The stream of an item ends with the event `end`.
    """
    item, since = begin
    patience = _Patience.of(service)
    topic = f"entity:{entity}" if item is None else topics.of_item(entity, item)
    with service.database.topics.subscribed(topic) as news:
        while True:
            try:
                async with service.following:
                    await who.still()
                    ended = item is not None and await _has_ended(who, item)
                    page = await _page(who, item, since)
            except LaunchkitError as exc:
                tell_end(exc)
                yield LATER
                return
            for event in page:
                since = event.id
                yield ServerSentEvent(id=str(since), event=event.kind, raw_data=encode_json(event))
            if len(page) == launches.PAGE:
                continue
            if ended:
                yield END
                return
            if not await patience.wait(news):
                yield LATER
                return


async def _page(who: Caller, item: str | None, since: int) -> list[Event]:
    if item is not None:
        return await who.database.read(launches.Events(who.entity, item, since))
    until = await settled(who.database)
    return await who.database.read(launches.Next(who.entity, since, until))


async def _has_ended(who: Caller, item: str) -> bool:
    view = await who.database.read(launches.Get(who.entity, item))
    return view.item.state.ended


@dataclass(frozen=True)
class _Begin:
    """Where the stream of a log begins, and whether it goes on with the next attempt."""

    item: str
    attempt: int
    offset: int
    only: bool


async def _log_from(
    entity: str,
    who: Follower,
    service: TheService,
    item: str,
    attempt: Annotated[int | None, Query(ge=1, le=LAST_ATTEMPT)] = None,
    last_event_id: LastEventId = None,
) -> _Begin:
    view = await who.database.read(launches.Get(entity, item))
    first, offset = attempt or view.item.attempt, 0
    if last_event_id is not None:
        first, offset = _place(last_event_id)
    return _Begin(view.item.id, first, offset, only=attempt is not None)


@router.get("/log/stream", response_class=EventSourceResponse, dependencies=[ONE_MORE])
async def log(
    entity: str,
    who: Follower,
    service: TheService,
    begin: Annotated[_Begin, Depends(_log_from)],
) -> Stream:
    """What a launch prints, as it prints it: of one attempt, or of the latest and those that
    follow. The stream ends with the event `end`.
    """
    attempt, offset = begin.attempt, begin.offset
    patience, woken = _Patience.of(service), False
    about = topics.of_log(entity, begin.item), topics.of_item(entity, begin.item)
    with service.database.topics.subscribed(*about) as news:
        while True:
            try:
                # What is not new may lie among the blobs, which are slow: no others wait for that.
                async with service.following if woken else nullcontext():
                    await who.still()
                    page = await service.logs(who.database, entity).read(
                        begin.item, attempt, offset
                    )
                    view = await who.database.read(launches.Get(entity, begin.item))
            except LaunchkitError as exc:
                tell_end(exc)
                yield LATER
                return
            woken = False
            whole = page.complete and page.offset + len(page.data) >= page.size
            text, size = _letters(page.data, final=whole)
            if text:
                output = Output(attempt=attempt, offset=offset, text=text)
                offset += size
                yield ServerSentEvent(
                    id=f"{attempt}:{offset}", event="output", raw_data=encode_json(output)
                )
            elif not whole:
                if not await patience.wait(news):
                    yield LATER
                    return
                woken = True
            elif begin.only or view.item.attempt <= attempt:
                yield END
                return
            else:
                attempt, offset = attempt + 1, 0


def _letters(data: bytes, *, final: bool) -> tuple[str, int]:
    """As text what is whole of some output, and how many bytes that is: the rest of a letter that
    is cut in two may come yet.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(data, final)
    rest, _ = decoder.getstate()
    return text, len(data) - len(rest)


def _number(last_event_id: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", last_event_id):
        raise ConfigError(f"Last-Event-ID: {last_event_id!r} is the id of no event")
    return int(last_event_id)


def _place(last_event_id: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,9}):([0-9]{1,18})", last_event_id)
    if found is None:
        raise ConfigError(f"Last-Event-ID: {last_event_id!r} is no place in a log")
    return int(found[1]), int(found[2])
