"""Streams whose client, or whose launch, has gone away."""

import random
import socket
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from launchkit_server.api import streams
from launchkit_server.door import Door
from waiting import until

from .conftest import Served, client_of, served_with
from .over_http import SPEC, claimed, client_in, launched
from .test_connections import connected, speaking
from .test_streams import stream

AHEAD = 5
"""So many pieces are made before the first is taken only if what hands them on waits."""
AT_ONCE = struct.pack("ii", 1, 0)
"""How a connection is closed that is reset."""


def test_a_client_that_goes_away_from_a_stream_leaves_no_traceback(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made: list[object] = []
    encode: Callable[[object], str] = streams.encode_json

    def counted(value: object) -> str:
        made.append(value)
        return encode(value)

    monkeypatch.setattr(streams, "encode_json", counted)
    caplog.set_level("INFO", "launchkit.server")
    assert served.portal is not None
    with client_in(served, "lost") as client:
        launched(client)
        held = claimed(client)
        for number in range(AHEAD + 2):
            assert held.says(number * 2**20, bytes(2**20)).is_success
        with socket.socket() as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            url = httpx.URL(served.url)
            peer.connect((url.host, url.port or 0))
            path = f"{client.base_url.path}log/stream?item={held.id}"
            token = client.headers["authorization"]
            head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n"
            peer.sendall(head.encode())
            served.portal.call(until, lambda: len(made) >= AHEAD)
    served.portal.call(until, lambda: "went away" in caplog.text or "failed" in caplog.text)
    assert "Traceback" not in caplog.text


def test_a_client_that_goes_away_while_it_sends_is_told_of_as_no_fault(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "launchkit.server")
    assert served.portal is not None
    url = httpx.URL(served.url)
    with socket.create_connection((url.host, url.port or 0)) as peer:
        form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100"
        peer.sendall(f"POST /sign-in HTTP/1.1\r\nHost: x\r\n{form}\r\n\r\ntoken=".encode())
    served.portal.call(until, lambda: "went away" in caplog.text)
    assert ": 500" not in caplog.text


@pytest.mark.parametrize("path", ["/events/stream", "/log/stream"])
def test_a_stream_that_cannot_go_on_ends_with_one_line_of_the_log(
    served: Served, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    caplog.set_level("INFO", "launchkit.server")
    assert served.portal is not None
    with client_in(served, f"gone-{path.split('/')[1]}") as client:
        item = launched(client)["id"]
        assert claimed(client).says(0, b"hi").is_success
        with stream(client, path, item=item) as events:
            assert next(events).id
            with sqlite3.connect(served.database_url.removeprefix("sqlite:///"), 30) as database:
                database.execute("delete from item where id = ?", (item,))
            served.portal.call(served.service.database.topics.notify_all)
            *_, last = events
            assert last.comment == "come back"
    (line,) = [one.getMessage() for one in caplog.records if "cut short" in one.getMessage()]
    assert item in line
    assert "Traceback" not in caplog.text


def test_the_stream_of_an_attempt_that_no_log_has_is_refused(served: Served) -> None:
    with client_in(served, "many") as client:
        item = launched(client)["id"]
        for path in ("/log/stream", "/log", f"/items/{item}/log"):
            told = client.get(path, params={"item": item, "attempt": 2**31})
            assert told.status_code == 422, told.text


@pytest.mark.parametrize("door", ["https"], indirect=True)
def test_clients_that_go_away_from_a_long_answer_leave_no_line_of_the_log(
    door: Door, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with served_with(door, tmp_path) as served, client_of(served, verify=False) as client:
        client.base_url = client.base_url.join("/api/v1/entities/e")
        client.post("/queues", json=SPEC)
        launched(client)
        held = claimed(client)
        for number in range(8):
            assert held.says(number * 2**20, random.randbytes(2**20)).is_success
        path, token = f"{client.base_url.path}items/{held.id}/log", client.headers["authorization"]
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n"
        for _ in range(4):
            with speaking(served, connected(served)) as peer:
                peer.sendall(head.encode())
                assert peer.recv(1)
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    assert [one.getMessage() for one in caplog.records if one.name == "asyncio"] == []
