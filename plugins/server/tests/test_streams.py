"""Server-sent events over a real server: they begin, go on, wake, resume and end as they should."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import fastapi.routing
import httpx
import pytest
from launchkit_server.api import streams
from launchkit_server.door import Door
from waiting import PATIENCE

from .conftest import Served, client_of, served_with
from .over_http import claimed, client_in, launched


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with client_in(served, uuid4().hex) as client:
        yield client


@dataclass(frozen=True)
class Sent:
    kind: str = ""
    id: str = ""
    data: str = ""
    comment: str = ""

    @property
    def value(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.data)
        return value


def parsed(lines: Iterator[str]) -> Iterator[Sent]:
    """The events of a stream, as a browser reads them."""
    names = {"event": "kind", "id": "id", "data": "data", "": "comment"}
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, text = line.partition(":")
            fields[names.get(name, "data")] = text.strip()
        elif fields:
            yield Sent(**fields)
            fields = {}


def require_unbuffered(answer: httpx.Response) -> None:
    """Proxies are told to pass each event on at once, and nothing here has packed it."""
    assert answer.request.headers["accept-encoding"].startswith("gzip")
    told = ("content-type", "x-accel-buffering", "cache-control", "content-encoding")
    assert [answer.headers.get(name, "").partition(";")[0] for name in told] == [
        "text/event-stream",
        "no",
        "no-cache, no-transform",
        "",
    ]


@contextmanager
def stream(client: httpx.Client, path: str, last: str = "", **params: Any) -> Iterator[Any]:
    headers = {"Last-Event-ID": last} if last else {}
    with client.stream("GET", path, params=params, headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        require_unbuffered(answer)
        yield parsed(answer.iter_lines())


def test_what_happens_to_a_launch_is_streamed_until_it_has_ended(client: httpx.Client) -> None:
    item = launched(client)
    with stream(client, "/events/stream", item=item["id"]) as events:
        first = next(events)
        assert (first.kind, first.value["state"]) == ("state", "queued")
        held = claimed(client)
        assert next(events).value["state"] == "claimed"
        held.reports("finished")
        *_, last, end = events
        assert (last.value["state"], end.kind) == ("finished", "end")
        assert int(last.id) > int(first.id)


def test_a_stream_of_events_goes_on_after_the_last_that_came(client: httpx.Client) -> None:
    item = launched(client)
    client.post(f"/items/{item['id']}/changes", json={"kind": "stop"})
    with stream(client, "/events/stream", item=item["id"]) as events:
        ids = [event.id for event in events if event.id]
    with stream(client, "/events/stream", last=ids[0], item=item["id"]) as events:
        assert [event.id for event in events if event.id] == ids[1:]
    with stream(client, "/events/stream", last=ids[-1], item=item["id"]) as events:
        assert [event.kind for event in events] == ["end"]


def test_more_than_a_page_of_events_of_one_launch_comes_whole(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit.store.launches.PAGE", 2)
    item = launched(client)
    held = claimed(client)
    for number in range(4):
        held.reports("running", message=str(number))
    held.reports("finished")
    with stream(client, "/events/stream", item=item["id"]) as events:
        *all_of_them, end = events
    assert (all_of_them[-1].value["state"], end.kind) == ("finished", "end")
    page = client.get("/events", params={"item": item["id"]}).json()
    assert [one["id"] for one in page] == [int(one.id) for one in all_of_them[:2]]


def test_a_stream_of_all_events_begins_now_and_skips_none(client: httpx.Client) -> None:
    launched(client)
    with stream(client, "/events/stream") as events:
        items = [launched(client)["id"] for _ in range(3)]
        seen = [next(events) for _ in items]
        assert [event.value["item_id"] for event in seen] == items
    more = [launched(client)["id"] for _ in range(2)]
    with stream(client, "/events/stream", last=seen[-1].id) as events:
        assert [next(events).value["item_id"] for _ in more] == more


def test_more_than_a_page_of_events_comes_whole(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit.store.launches.PAGE", 2)
    items = [launched(client)["id"] for _ in range(7)]
    with stream(client, "/events/stream", since=0) as events:
        assert [next(events).value["item_id"] for _ in items] == items


def test_output_is_streamed_as_it_comes_and_resumes(client: httpx.Client) -> None:
    launched(client)
    held = claimed(client)
    with stream(client, "/log/stream", item=held.id) as output:
        held.says(0, "eins \u20ac".encode()[:-1])
        first = next(output)
        assert (first.id, first.value["text"]) == ("1:5", "eins ")
        held.says(7, b"\xac zwei")
        assert next(output).value == {"attempt": 1, "offset": 5, "text": "\u20ac zwei"}
        held.says(13, b"\xff")
        assert next(output).value["text"] == "\ufffd"
        held.reports("finished")
        assert next(output).kind == "end"
    with stream(client, "/log/stream", last=first.id, item=held.id) as output:
        assert "".join(one.value.get("text", "") for one in output) == "\u20ac zwei\ufffd"


def test_output_of_the_next_attempt_follows(client: httpx.Client) -> None:
    launched(client)
    held = claimed(client)
    with stream(client, "/log/stream", item=held.id) as output:
        held.says(0, b"first")
        assert next(output).value["attempt"] == 1
        held.reports("queued", next_attempt=True)
        again = claimed(client, "d")
        again.says(0, b"second")
        assert next(output).value == {"attempt": 2, "offset": 0, "text": "second"}
    with stream(client, "/log/stream", item=held.id, attempt=1) as output:
        assert [one.kind for one in output] == ["output", "end"]


def test_a_silent_stream_beats(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fastapi.routing._PING_INTERVAL == 15.0
    monkeypatch.setattr(fastapi.routing, "_PING_INTERVAL", 0.05)
    item = launched(client)
    with stream(client, "/events/stream", item=item["id"]) as events:
        assert next(event.comment for event in events if event.comment) == "ping"


@pytest.mark.parametrize("path", ["/events/stream", "/log/stream"])
@pytest.mark.parametrize("loses", ["role", "token"])
def test_who_loses_the_right_to_read_hears_no_more_of_a_stream(
    client: httpx.Client, served: Served, path: str, loses: str
) -> None:
    item = launched(client)
    held = claimed(client)
    held.says(0, b"first")
    base, name = f"{served.url}/api/v1", f"reader-{uuid4().hex}"
    role = f"{client.base_url}roles/{name}"
    client.post(f"{base}/users", json={"name": name, "kind": "user"})
    assert client.put(role, json={"role": "viewer"}).is_success
    made = client.post(f"{base}/tokens", json={"owner": name}).json()
    own = {"authorization": f"Bearer {made['secret']}"}
    url = str(client.base_url.join(path.removeprefix("/")))
    with (
        httpx.Client(headers=own, timeout=PATIENCE) as reader,
        stream(reader, url, item=item["id"]) as events,
    ):
        assert next(events).kind in {"state", "output"}
        gone = role if loses == "role" else f"{base}/tokens/{made['token']['id']}"
        assert client.delete(gone).is_success
        held.says(5, b"hushed")
        held.reports("finished")
        assert "hushed" not in str(rest := [*events])
        assert [one.comment for one in rest][-1] == "come back"
        assert all(one.kind in {"", "state"} and "finished" not in one.data for one in rest)


def test_a_stream_does_not_last_for_ever(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "STREAM_SECONDS", 0.05)
    item = launched(client)
    for path in ("/events/stream", "/log/stream"):
        with stream(client, path, item=item["id"]) as events:
            assert [*events][-1].comment == "come back"


def test_a_server_that_ends_hands_streams_back(tmp_path: Any) -> None:
    with served_with(Door(), tmp_path) as own, client_in(own, "e") as client:
        item = launched(client)
        with stream(client, "/events/stream", item=item["id"]) as events:
            next(events)
            assert own.portal is not None
            own.portal.call(own.service.hand_back)
            assert [one.comment for one in events] == ["come back"]


@pytest.mark.parametrize(
    ("path", "last", "status"),
    [("/events/stream", "x", 422), ("/log/stream", "5", 422), ("/log/stream", "a:b", 422)],
)
def test_a_place_that_is_none_is_refused(
    client: httpx.Client, path: str, last: str, status: int
) -> None:
    item = launched(client)
    answer = client.get(path, params={"item": item["id"]}, headers={"Last-Event-ID": last})
    assert (answer.status_code, answer.json()["code"]) == (status, "config_invalid")


def test_what_is_of_another_entity_is_not_streamed(client: httpx.Client, served: Served) -> None:
    item = launched(client)
    with client_of(served) as other:
        for path in ("events/stream", "log/stream", "events"):
            answer = other.get(f"/api/v1/entities/other/{path}", params={"item": item["id"]})
            assert answer.status_code == 404 or answer.json() == [], path
