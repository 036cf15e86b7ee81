"""What comes before a request is one: long heads, many lines, chunks and cookies of strangers."""

import math
import socket
import time
from collections.abc import Iterator
from itertools import cycle, product

import httpx
import pytest
from launchkit_server.heads import FEW_CHUNKS, LONGEST_HEAD, MOST_LINES, PIECE, SHORT_CHUNK
from waiting import PATIENCE, until

from .browsing import Browser
from .conftest import Served

HEALTH = b"GET /livez HTTP/1.1\r\nHost: here\r\n"
FORM = b"POST /sign-in HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n"
LINES = b"a:\r\n" * MOST_LINES
LONG = b"a: " + b"x" * (LONGEST_HEAD + PIECE) + b"\r\n"
TRAILERS = b"a:\r\n" * ((LONGEST_HEAD + PIECE) // 4)
TRIES = 3
ENOUGH_SECONDS = 0.2
"""Of the processor's time, for a request of the longest head; a request takes some milliseconds."""


def told(served: Served, *sent: bytes) -> bytes:
    """All that comes back of what is sent over one connection, until its other side ends it."""
    url = httpx.URL(served.url)
    with socket.create_connection((url.host, url.port or 0), 60) as peer:
        for one in sent:
            peer.sendall(one)
        return b"".join(_received(peer))


def _received(peer: socket.socket) -> Iterator[bytes]:
    try:
        while data := peer.recv(65536):
            yield data
    except ConnectionError:  # it was ended while more was sent
        return


@pytest.mark.parametrize("head", [LINES, LONG, LONG[:-2]], ids=["lines", "bytes", "no end"])
def test_a_head_that_is_too_long_is_refused_with_what_it_may_have(
    served: Served, head: bytes
) -> None:
    answer = told(served, HEALTH + head + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"%d bytes and %d lines" % (LONGEST_HEAD, MOST_LINES) in answer


def test_a_head_that_is_too_long_behind_another_request_is_refused(served: Served) -> None:
    answer = told(served, HEALTH + b"\r\n" + HEALTH + LINES + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 400 " in answer


def test_lines_of_a_head_are_read_no_further_than_there_may_be(served: Served) -> None:
    answer = told(served, HEALTH + LINES)  # and never an end
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_fields_behind_a_body_are_bounded_as_its_head_is(served: Served) -> None:
    answer = told(served, FORM + b"\r\n0\r\n" + TRAILERS + b"a:")
    assert b"%d bytes" % LONGEST_HEAD in answer


@pytest.mark.parametrize(
    ("size", "number", "status"),
    [(1, FEW_CHUNKS + 1, 400), (SHORT_CHUNK - 1, FEW_CHUNKS + 1, 400), (1, FEW_CHUNKS, 401),
     (SHORT_CHUNK, FEW_CHUNKS, 401), (SHORT_CHUNK, 2 * FEW_CHUNKS, 401)],
)  # fmt: skip
def test_a_body_of_very_many_short_chunks_is_refused(
    served: Served, size: int, number: int, status: int
) -> None:
    chunk = b"%x\r\n%s\r\n" % (size, b"x" * size)
    answer = told(served, FORM + b"Connection: close\r\n\r\n" + chunk * number + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer
    assert (b"256 chunks" in answer) == (status == 400)


def test_what_is_wrong_behind_an_answer_ends_the_connection(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    url = httpx.URL(served.url)
    with socket.create_connection((url.host, url.port or 0), 60) as peer:
        peer.sendall(FORM + b"\r\n")
        assert peer.recv(9) == b"HTTP/1.1 "
        peer.sendall(b"no chunk\r\n")
        assert b"HTTP/1.1" not in b"".join(_received(peer))
    assert "Traceback" not in caplog.text


async def test_a_long_method_makes_no_long_line_of_the_log(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        answer = told(
            served,
            b"X" * 10_000 + b" /livez HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n",
        )
        await until(lambda: "XXX /livez: 405" in caplog.text)
    lines = [one.getMessage() for one in caplog.records if one.name == "launchkit.server"]
    assert max(map(len, (answer, *lines))) < 1000


def test_a_cookie_of_others_keeps_nobody_signed_out(served: Served) -> None:
    with Browser(served) as browser:
        browser.sign_in()
        session = "; ".join(f"{name}={value}" for name, value in browser.client.cookies.items())
        others = {"Cookie": f'other="\\"a\\054b"; {session}; more="\\\\"'}
        page = httpx.get(f"{served.url}/e/e/queues", headers=others, timeout=PATIENCE)
        assert page.is_success


NAMES = (
    *("Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Connection"),
    *("Content-Disposition", "Content-Encoding", "Content-Type", "Cookie", "Forwarded"),
    *("HX-Request", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "Last-Event-ID"),
    *("Origin", "Range", "Referer", "Traceparent", "X-CSRF-Token", "X-Forwarded-For"),
    *("X-Forwarded-Proto", "X-Launchkit-Protocol", "X-Request-Id"),
)
VALUES = (
    *(b'a="%s"', b"%s", b"bytes=%s", b"Bearer %s", b"text/html;q=%s", b"Mon, %s"),
    b"multipart/form-data; boundary=%s",
)
FILLING = (
    *(b"\\", b"\\0", b'\\"', b" ", b",", b";", b"a=b;", b"0-,", b"1-2,", b'"a",', b"("),
    *(b"a/b;q=0.1,", b"0", b"%41", b"\t ", b"W/"),
)
PATHS = ("/sign-in", "/static/app.css", "/api/v1/entities/test/queues")


def cost(served: Served, sent: bytes) -> float:
    """The processor's time for a request, of a few: whatever else goes on has a part in each."""
    least = math.inf
    for _ in range(TRIES):
        began = time.process_time()
        told(served, sent)
        least = min(least, time.process_time() - began)
        if least < ENOUGH_SECONDS:
            break
    return least


def test_no_cookie_costs_much_whatever_stands_in_it(served: Served) -> None:
    cookie = b'Cookie: a="' + b"\\" * (LONGEST_HEAD - 100) + b'"\r\nConnection: close\r\n\r\n'
    assert told(served, HEALTH + cookie).startswith(b"HTTP/1.1 200 ")
    assert cost(served, HEALTH + cookie) < ENOUGH_SECONDS


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_no_header_costs_much_whatever_stands_in_it(served: Served, name: str) -> None:
    token = f"Authorization: Bearer {str.__str__(served.tokens['ann'])}"
    for path, (value, filling) in zip(cycle(PATHS), product(VALUES, FILLING), strict=False):
        head = f"GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n{token}\r\n{name}: "
        room = LONGEST_HEAD - len(head) - 64
        sent = value.replace(b"%s", filling * (room // len(filling)))
        assert cost(served, head.encode() + sent + b"!\r\n\r\n") < ENOUGH_SECONDS, (path, sent[:20])
