"""What one who asks may have at once, and how those who follow what happens are woken."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import anyio.lowlevel
import httpx
import pytest
from launchkit_server.access import Caller
from launchkit_server.api import streams
from launchkit_server.door import Door
from launchkit_server.service import LOOKING
from launchkit_server.shares import Shares
from waiting import until

from launchkit.model import Event

from .browsing import Browser
from .conftest import Served, served_with
from .over_http import client_in, launched
from .test_requests import problem, until_told
from .test_streams import stream

STREAM = "/events/stream"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Served]:
    """A service of which each one who asks may have little."""
    with served_with(Door(), tmp_path) as own:
        own.service.streams = Shares(2, "streams")
        own.service.waits = Shares(1, "requests that wait")
        yield own


def test_who_reads_many_streams_is_told_and_keeps_nobody_else_from_reading(own: Served) -> None:
    with client_in(own, "e") as ann, client_in(own, "e", "bob") as bob, Browser(own) as browser:
        launched(ann)
        browser.sign_in("ann")
        with (
            stream(ann, STREAM),
            browser.client.stream("GET", "/e/e/stream") as second,
            stream(bob, STREAM),
        ):
            assert second.is_success
            answer = ann.get(STREAM)
            assert "2 streams" in problem(answer, 503, "unreachable")["detail"]
            assert answer.headers["retry-after"] == "1"
            assert browser.client.get("/e/e/stream").status_code == 503
            assert ann.get("/items").is_success
        until_told(lambda: ann.get(STREAM, params={"item": "none"}), 404)


def test_who_lets_many_requests_wait_is_told_and_keeps_nobody_else_from_waiting(
    own: Served,
) -> None:
    with client_in(own, "e") as ann, client_in(own, "e", "bob") as bob:
        answers: list[httpx.Response] = []
        waits = threading.Thread(
            target=lambda: answers.append(ann.get("/events", params={"wait": 50}))
        )
        waits.start()
        assert own.portal is not None
        own.portal.call(until, lambda: "entity:e" in own.service.database.topics)
        told = ann.get("/events")
        assert "1 requests that wait" in problem(told, 503, "unreachable")["detail"]
        assert bob.get("/events", params={"wait": 0.01}).is_success
        launched(bob)
        waits.join()
        assert answers[0].is_success
        assert ann.get("/events").is_success


def test_those_who_are_woken_by_one_event_look_one_after_the_other(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = [0, 0]
    page = streams._page

    async def counted(who: Caller, item: str | None, since: int) -> list[Event]:
        looking[0] += 1
        looking[1] = max(looking)
        for _ in range(100):  # as long as all others need to begin
            await anyio.lowlevel.checkpoint()
        try:
            return await page(who, item, since)
        finally:
            looking[0] -= 1

    with client_in(served, "woken") as client, ExitStack() as stack:
        opened = [stack.enter_context(stream(client, STREAM)) for _ in range(3 * LOOKING)]
        monkeypatch.setattr(streams, "_page", counted)
        item = launched(client)
        for events in opened:
            assert next(event for event in events if event.data).value["item_id"] == item["id"]
    assert 0 < looking[1] <= LOOKING
