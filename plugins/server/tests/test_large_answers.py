"""Of one who asks for much and takes nothing there are few answers at once."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from launchkit_server.door import Door
from launchkit_server.shares import ANSWERS

from .conftest import Served, client_of, served_with
from .over_http import RECIPE, claimed, client_in

ITEMS = "/api/v1/entities/e/items"
LARGE = (ITEMS, "/api/v1/entities/e/events?item={item}")
CAUSE = "\x01" * 16_000


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A service with launches that no socket holds together, where nobody waits long."""
    monkeypatch.setattr("launchkit_server.shares.PATIENCE_SECONDS", 0.1)
    with served_with(Door(), tmp_path) as served:
        with client_in(served, "e") as client:
            spec = {"recipe": RECIPE, "overrides": {"config": {"a": "\x01" * 600_000}}}
            for _ in range(2):
                assert client.post("/queues/q/launches", json={"spec": spec}).status_code == 201
            claimed(client).reports("building", warnings=[CAUSE] * 64)
        yield served


def asked_and_not_read(served: Served, path: str, who: str) -> socket.socket:
    """Somebody who asks for much, and reads nothing of it."""
    url = httpx.URL(served.url)
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.connect((url.host, url.port or 0))
    token = str.__str__(served.tokens[who])
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    peer.sendall(head.encode())
    return peer


def until_told(client: httpx.Client, status: int) -> httpx.Response:
    """The first answer of that status: what was sent or closed before may not be known yet."""
    answers = iter(lambda: client.get(ITEMS, params={"limit": 1, "state": "held"}), None)
    return next(answer for answer in answers if answer and answer.status_code == status)


@pytest.mark.parametrize("path", LARGE)
def test_one_who_takes_nothing_of_large_answers_has_few_and_keeps_nobody_else_waiting(
    large: Served, path: str
) -> None:
    with client_of(large) as ann, client_of(large, "bob") as bob:
        path = path.format(
            item=bob.get(ITEMS, params={"state": "building"}).json()[0]["item"]["id"]
        )
        with ExitStack() as stack:
            for _ in range(ANSWERS + 1):
                stack.enter_context(asked_and_not_read(large, path, "ann"))
            answer = until_told(ann, 503)
            assert f"{ANSWERS} large answers of yours are not over" in answer.json()["detail"]
            assert answer.headers["retry-after"] == "1"
            assert bob.get(ITEMS).is_success
            assert ann.get("/readyz").is_success
        assert until_told(ann, 200).json() == []


def test_a_large_answer_comes_whole(large: Served) -> None:
    with client_of(large) as ann:
        for coding in ("identity", "gzip"):
            told = ann.get(ITEMS, headers={"Accept-Encoding": coding}).json()
            sizes = [len(one["item"]["spec"]["overrides"]["config"]["a"]) for one in told]
            assert sizes == [600_000] * 2
