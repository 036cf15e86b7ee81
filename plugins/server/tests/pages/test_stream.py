"""The stream that pages share: it names what changed, and says that it lives."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from launchkit_server.web.pages import stream as module

from ..browsing import Browser
from ..conftest import Served
from ..over_http import claimed, launched
from ..test_streams import Sent, parsed, require_unbuffered


@contextmanager
def stream(browser: Browser, client: httpx.Client, **params: Any) -> Iterator[Iterator[Sent]]:
    entity = client.base_url.path.rstrip("/").rpartition("/")[2]
    with browser.client.stream("GET", f"/e/{entity}/stream", params=params) as answer:
        require_unbuffered(answer)
        yield parsed(answer.iter_lines())


def until(events: Iterator[Sent], kind: str) -> dict[str, Any]:
    """The next event of a kind."""
    return next(json.loads(one.data) for one in events if one.kind == kind)


def test_launches_and_queues_that_change_are_named(browser: Browser, client: httpx.Client) -> None:
    with stream(browser, client) as events:
        assert next(events).kind == "beat"
        item = launched(client)
        assert until(events, "change")["items"] == [item["id"]]
        spec = {"name": "q", "resource": "local-process"}
        pause = {"reason": "test", "by": "ann", "at": 0}
        assert client.put("/queues/q", json={"spec": spec, "pause": pause}).is_success
        change = until(events, "change")
        assert (change["items"], change["queues"]) == ([], ["q"])


def test_a_stream_goes_on_where_it_was(browser: Browser, client: httpx.Client) -> None:
    with stream(browser, client) as events:
        since = next(events).id
    item = launched(client)
    with stream(browser, client, since=since) as events:
        assert until(events, "change")["items"] == [item["id"]]


def test_the_ends_of_logs_that_are_followed_are_told(
    browser: Browser, client: httpx.Client
) -> None:
    item = launched(client)
    held = claimed(client)
    with stream(browser, client, logs=item["id"]) as events:
        assert until(events, "log")["size"] == 0
        held.says(0, b"out\n")
        assert until(events, "log")["size"] == 4
        held.reports("finished")
        assert until(events, "log")["complete"]


def test_a_quiet_stream_says_that_it_lives(
    browser: Browser, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.01)
    with stream(browser, client) as events:
        assert [next(events).kind for _ in range(3)] == ["beat"] * 3


def test_a_stream_ends_with_the_role(served: Served, client: httpx.Client, entity: str) -> None:
    client.delete(f"{served.url}/api/v1/entities/*/roles/bob")
    assert client.put("/roles/bob", json={"role": "viewer"}).is_success
    with Browser(served) as browser:
        browser.sign_in("bob")
        with stream(browser, client) as events:
            next(events)
            assert client.delete("/roles/bob").is_success
            launched(client)
            assert [one.kind for one in events][-1] == "over"


def test_a_stream_ends_with_its_session(browser: Browser, client: httpx.Client) -> None:
    with stream(browser, client) as events:
        next(events)
        browser.post("/sign-out")
        launched(client)
        assert [one.kind for one in events][-1] == "over"
