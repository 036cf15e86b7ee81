"""What comes before the body of an answer, from real servers."""

import itertools
import ssl

import httpx
import pytest
from saying import saying
from waiting import PATIENCE

from launchkit.aio.bounded_answers import MOST_BEFORE_BODY
from launchkit.aio.http import http_client

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: <%s>; rel=preload\r\n\r\n" % (b"x" * 3000)
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("first", "piece"),
    [
        (b"", b"HTTP/1.1 100 \r\n\r\n" * 1000),
        (b"HTTP/1.1 200 OK\r\n", b"A: b\r\n" * 1000),
        (b"HTTP/1.1 200 OK\r\nA: ", b"a" * 1000),
    ],
    ids=["answers that say nothing yet", "headers", "a header"],
)
async def test_of_what_comes_before_the_body_of_an_answer_little_is_read(
    first: bytes, piece: bytes
) -> None:
    async with (
        saying(itertools.chain([first], itertools.repeat(piece))) as place,
        http_client(NO_TLS, timeout=PATIENCE) as client,
    ):
        with pytest.raises(httpx.ReadError, match=f"more than {MOST_BEFORE_BODY} bytes"):
            await client.get(f"http://{place}/")


async def test_an_answer_may_be_announced_and_be_large() -> None:
    body = bytes(10 * MOST_BEFORE_BODY)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with (
        saying([b"HTTP/1.1 100 Continue\r\n\r\n", HINTS, HINTS, HINTS, head, body]) as place,
        http_client(NO_TLS, timeout=PATIENCE) as client,
    ):
        assert (await client.get(f"http://{place}/")).content == body


async def test_of_an_answer_in_many_small_chunks_no_more_is_read_than_is_wanted() -> None:
    async with (
        saying(itertools.chain([CHUNKS], itertools.repeat(b"1\r\nx\r\n"))) as place,
        http_client(NO_TLS, most=2000, timeout=PATIENCE) as client,
    ):
        with pytest.raises(httpx.ReadError, match=r"^more than 2000 bytes came$"):
            await client.get(f"http://{place}/")
