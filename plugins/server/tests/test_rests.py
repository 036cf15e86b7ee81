"""What still comes behind an answer: strangers who go on sending, and clients that only do not know
yet; over real sockets, plain and with TLS.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest
from launchkit_server import rests
from launchkit_server.door import Door
from launchkit_server.rests import PIECE_SECONDS, Rests
from waiting import PATIENCE, until

from .conftest import Served, client_of, served_with

QUEUES = "/api/v1/entities/test/queues"
PIECE = b"10000\r\n" + b"x" * 2**16 + b"\r\n"
WHOLE = b"Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}"
MORE = 16 * 2**20
"""More than the system takes of what nobody reads."""


@pytest.fixture
def hasty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A service that waits for the rest of a body for a moment."""
    monkeypatch.setattr(rests, "REST_SECONDS", 0.1)
    with served_with(Door(), tmp_path) as served:
        yield served


def asked(served: Served, method: str, path: str, *fields: str) -> socket.socket:
    """A connection over which the head of a request with a body has gone."""
    url = httpx.URL(served.url)
    peer = socket.create_connection((url.host, url.port or 0), 60)
    head = (f"{method} {path} HTTP/1.1", "Host: here", "Transfer-Encoding: chunked", *fields)
    peer.sendall("\r\n".join(head).encode() + b"\r\n\r\n")
    return peer


@pytest.mark.parametrize(
    ("method", "path", "status", "fields"),
    [
        ("GET", "/livez", 415, ()),
        ("GET", "/sign-in", 200, ()),
        ("POST", "/sign-in", 422, ("Content-Type: application/x-www-form-urlencoded",)),
        ("OPTIONS", "/sign-in", 405, ()),
        ("GET", "/sign-in/oidc", 404, ()),
        ("GET", "/", 401, ()),
        ("GET", "/static/app.js", 200, ()),
        ("POST", "/e/e/launch", 401, ()),
        ("POST", "/nothing", 404, ()),
        ("POST", QUEUES, 401, ("Content-Type: application/json",)),
        ("POST", QUEUES, 415, ()),
        ("GET", QUEUES, 200, ("Content-Type: application/json", "ann")),
        ("POST", "/api/v1/nothing", 404, ("Content-Type: application/json", "ann")),
    ],
)
def test_who_sends_on_behind_an_answer_is_told_that_it_is_the_last_one_and_cut_short(
    hasty: Served, method: str, path: str, status: int, fields: tuple[str, ...]
) -> None:
    token = f"Authorization: Bearer {str.__str__(hasty.tokens['ann'])}"
    fields = tuple(token if field == "ann" else field for field in fields)
    with closing(asked(hasty, method, path, *fields)) as peer:
        peer.sendall(2 * PIECE)
        head = peer.recv(65536).partition(b"\r\n\r\n")[0].lower()
        assert head.startswith(b"http/1.1 %d " % status), head
        assert b"\r\nconnection: close" in head
        with suppress(ConnectionError):
            while True:
                peer.sendall(PIECE)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: here\r\n" + b"a:\r\n" * 200,
        b"POST /sign-in HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n",
    ],
    ids=["lines", "chunks"],
)
def test_who_sends_what_is_no_request_reads_why_and_fails_nothing(
    served: Served,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    sent: bytes,
) -> None:
    monkeypatch.setattr(rests, "REST_SECONDS", PATIENCE)
    url = httpx.URL(served.url)
    with socket.create_connection((url.host, url.port or 0), 60) as peer:
        peer.sendall(sent + bytes(MORE))
        assert b"".join(iter(lambda: peer.recv(65536), b"")).startswith(b"HTTP/1.1 400 ")
        with client_of(served) as client:
            assert client.get("/livez").is_success
    assert "Traceback" not in caplog.text


def test_who_asks_for_another_protocol_gets_this_one_and_fills_no_log(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    with client_of(served) as client:
        wanted = {"Connection": "upgrade", "Upgrade": "websocket"}
        assert client.get("/livez", headers=wanted).is_success
    assert not [one for one in caplog.records if one.levelname == "WARNING"]


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/nothing", QUEUES])
def test_who_has_sent_all_asks_for_more_over_the_same_connection(served: Served, path: str) -> None:
    url = httpx.URL(served.url)
    one = f"POST {path} HTTP/1.1\r\nHost: here\r\n".encode()
    with socket.create_connection((url.host, url.port or 0), 60) as peer:
        peer.sendall(one + WHOLE + one + b"Connection: close\r\n" + WHOLE)
        told = b"".join(iter(lambda: peer.recv(65536), b""))
    assert told.count(b"HTTP/1.1 4") == 2


def test_who_still_sends_a_body_that_is_not_read_gets_the_answer(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rests, "REST_SECONDS", PATIENCE)
    with served_with(door, tmp_path) as served, client_of(served, verify=False) as client:
        headers = {"Content-Type": "application/json"}
        told = client.post(QUEUES, content=bytes(MORE + 1), headers=headers)
        assert told.status_code == 413
        del client.headers["Authorization"]
        told = client.post(QUEUES, content=bytes(MORE), headers=headers)
        assert told.status_code == 401
        told = client.post("/nothing", content=bytes(2**21), headers=headers)
        assert told.status_code == 404


class Endless(asyncio.Transport):
    """A connection over which something comes whenever it may."""

    def __init__(self, rests: Rests) -> None:
        super().__init__()
        self._rests = rests
        self.came = 0
        self._rests.wait(self)

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        self.came += 1
        self._rests.wait(self)


async def test_what_comes_behind_answers_is_thrown_away_in_turns_however_many_send() -> None:
    turns, loop = Rests(), asyncio.get_running_loop()
    began = loop.time()
    senders = [Endless(turns) for _ in range(10)]
    await until(lambda: all(sender.came for sender in senders))
    came = sum(sender.came for sender in senders)
    assert came <= (loop.time() - began) / PIECE_SECONDS + 1
