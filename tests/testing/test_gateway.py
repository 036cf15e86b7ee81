"""A gateway forwards requests of HTTP/1.1, and does one thing with some of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing

import httpx
import pytest
from waiting import PATIENCE

from launchkit.testing import Gateway, Intervention, gateway
from launchkit.testing.counterparts.gateway import hang_up

ANSWER = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nmade\r\n0\r\n\r\n"


class Shop:
    """A server that counts what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0] or 0)
            self.asked.append(head.partition(b" HTTP")[0] + b" " + await reader.readexactly(length))
            writer.write(ANSWER)
            await writer.drain()


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
async def way(shop: Shop) -> AsyncIterator[Gateway]:
    server = await asyncio.start_server(shop.serve, "127.0.0.1", 0)
    with closing(server):
        async with gateway(f"127.0.0.1:{server.sockets[0].getsockname()[1]}") as way:
            yield way


@pytest.fixture
async def client(way: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://{way.host}", timeout=PATIENCE) as client:
        yield client


async def test_requests_are_forwarded_and_have_kinds_without_names(
    shop: Shop, way: Gateway, client: httpx.AsyncClient
) -> None:
    for name in ("0123456789ab", "ba9876543210"):
        assert (await client.post(f"/jobs/{name}?x=1", content=b"do")).text == "made"
    assert shop.asked == [b"POST /jobs/0123456789ab?x=1 do", b"POST /jobs/ba9876543210?x=1 do"]
    assert way.kinds == ["POST /jobs/*"] * 2


async def test_operations_of_aws_are_kinds_by_their_header(
    way: Gateway, client: httpx.AsyncClient
) -> None:
    """All of them are sent to one path."""
    for operation in ("CreateTrainingJob", "DescribeTrainingJob"):
        headers = {"X-Amz-Target": f"SageMaker.{operation}"}
        await client.post("/", content=b"{}", headers=headers)
    assert way.kinds == ["POST CreateTrainingJob", "GET DescribeTrainingJob"]


async def test_what_is_to_be_done_twice_is_and_answered_once(
    shop: Shop, way: Gateway, client: httpx.AsyncClient
) -> None:
    way.interventions.append(Intervention("POST /jobs", twice=True))
    assert (await client.post("/jobs", content=b"do")).text == "made"
    assert (await client.post("/jobs", content=b"else")).text == "made"
    assert shop.asked == [b"POST /jobs do", b"POST /jobs do", b"POST /jobs else"]


async def test_what_is_throttled_does_not_reach_the_server(
    shop: Shop, way: Gateway, client: httpx.AsyncClient
) -> None:
    way.interventions.append(Intervention("GET /", times=2, throttled=True))
    answers = [await client.get("/") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "1"
    assert len(shop.asked) == 1
    assert way.hasty == ["GET /"] * 2


@pytest.mark.parametrize(("when", "done"), [("before", 0), ("during", 1)])
async def test_a_connection_is_broken_before_or_after_it_is_done(
    when: str, done: int, shop: Shop, way: Gateway, client: httpx.AsyncClient
) -> None:
    way.interventions.append(Intervention("POST /jobs", **{when: hang_up}))
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post("/jobs")
    assert len(shop.asked) == done
    assert (await client.post("/jobs")).text == "made"
