"""Requests that wait: what has come meanwhile is for those alone who may still have it."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from waiting import PATIENCE, until

from .conftest import Served
from .over_http import CAPACITY, Held, claimed, client_in, launched

STATUS = {
    "host": "h",
    "pid": 1,
    "version": "1",
    "max_jobs": 1,
    "started_at": 1.0,
    "name": "box",
    "entity": "e",
    "queues": ["q"],
}
LOCK = {"name": "image", "holder": "box/run/1", "seconds": 3600}
WAIT = 50


@dataclass(frozen=True)
class Poll:
    """A request that waits, whether somebody waits for its topic, and what it waits for."""

    method: str
    path: str
    topic: str
    comes: Callable[[httpx.Client, Held], object]
    asked: Callable[[str, int], Mapping[str, Any]]
    """Made of the id of a launch, and the last of its events."""


POLLS = {
    "events": Poll(
        "GET",
        "/events",
        "item:{item}/{entity}",
        lambda _, held: held.reports("finished"),
        lambda item, last: {"params": {"item": item, "since": last, "wait": WAIT}},
    ),
    "log": Poll(
        "GET",
        "/log",
        "log:{item}/{entity}",
        lambda _, held: held.says(0, b"hushed"),
        lambda item, _: {"params": {"item": item, "wait": WAIT}},
    ),
    "waits": Poll(
        "POST",
        "/agent/waits",
        "agent:box/{entity}",
        lambda client, _: launched(client),
        lambda *_: {"json": {"queues": ["q"], "capacity": CAPACITY, "wait": WAIT}},
    ),
    "beats": Poll(
        "POST",
        "/agent/beats",
        "agent:box/{entity}",
        lambda client, _: client.post("/agents/box/changes", json={"kind": "drain"}),
        lambda *_: {"json": {"status": STATUS, "held": [], "wait": WAIT}},
    ),
    "locks": Poll(
        "POST",
        "/agent/locks/waits",
        "lock:image",
        lambda client, _: client.post("/agent/locks/release", json=LOCK),
        lambda *_: {"json": {"name": "image", "wait": WAIT}},
    ),
}


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with client_in(served, uuid4().hex) as client:
        yield client


@contextmanager
def answering(call: Callable[[], httpx.Response]) -> Iterator[list[httpx.Response]]:
    """What a call that waits is answered, once the context is over."""
    given: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: given.append(call()))
    thread.start()
    yield given
    thread.join(PATIENCE)


@pytest.mark.parametrize("poll", POLLS.values(), ids=POLLS)
@pytest.mark.parametrize(("loses", "status"), [("role", 403), ("token", 401)])
def test_who_loses_token_or_role_hears_nothing_of_what_is_waited_for(
    client: httpx.Client, served: Served, poll: Poll, loses: str, status: int
) -> None:
    item = launched(client)["id"]
    held = claimed(client)
    client.post("/agent/locks", json=LOCK)
    last = client.get("/events", params={"item": item}).json()[-1]["id"]
    base, name = f"{served.url}/api/v1", f"other-{uuid4().hex}"
    role = f"{client.base_url}roles/{name}"
    client.post(f"{base}/users", json={"name": name, "kind": "user"})
    assert client.put(role, json={"role": "admin"}).is_success
    made = client.post(f"{base}/tokens", json={"owner": name}).json()
    own = {"authorization": f"Bearer {made['secret']}"}
    url, wanted = str(client.base_url.join(poll.path.lstrip("/"))), poll.asked(item, last)
    with (
        httpx.Client(headers=own, timeout=PATIENCE) as other,
        answering(lambda: other.request(poll.method, url, **wanted)) as answers,
    ):
        entity = client.base_url.path.rstrip("/").rpartition("/")[2]
        topic = poll.topic.format(item=item, entity=entity)
        topics = served.service.database.topics
        assert served.portal is not None
        served.portal.call(until, lambda: topic in topics)
        gone = role if loses == "role" else f"{base}/tokens/{made['token']['id']}"
        assert client.delete(gone).is_success
        poll.comes(client, held)
    assert answers[0].status_code == status, answers[0].text
