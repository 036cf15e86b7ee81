"""A relay is a way to a real server that breaks as a test says."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import anyio
import httpx
import pytest
from anyio.abc import SocketAttribute, SocketStream
from served import answered_by
from waiting import PATIENCE, until

from launchkit.testing import Relay, Way, relay


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    done: list[str]

    def do_GET(self) -> None:
        self.done.append(f"{self.command} {self.path}")
        body = json.dumps(self.path).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        pass


@contextmanager
def serving(done: list[str]) -> Iterator[str]:
    handler = type("Handler", (Server,), {"done": done})
    with answered_by(handler) as host:
        yield host


@pytest.fixture
def done() -> list[str]:
    """What the server was asked."""
    return []


@pytest.fixture
def host(done: list[str]) -> Iterator[str]:
    with serving(done) as host:
        yield host


@pytest.fixture
async def way(host: str) -> AsyncIterator[Relay]:
    async with relay(host) as way:
        yield way


@pytest.fixture
async def client(way: Relay) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://{way.host}", timeout=PATIENCE) as client:
        yield client


async def test_what_passes_is_the_servers_and_is_counted(
    way: Relay, client: httpx.AsyncClient
) -> None:
    for path in ("/a", "/a", "/b"):
        assert (await client.get(path)).json() == path
    assert (way.count("GET /a"), way.count("/b"), way.count()) == (2, 1, 3)


async def test_what_is_held_comes_when_it_is_let_go_and_others_pass(
    way: Relay, client: httpx.AsyncClient, done: list[str]
) -> None:
    way.hold("/a")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.get, "/a")
        await until(lambda: way.held == ["GET /a"])
        await client.get("/b")
        assert done == ["GET /b"]
        way.open()
    assert done == ["GET /b", "GET /a"]


async def test_a_cut_breaks_what_waits_and_lets_new_ones_through(
    way: Relay, client: httpx.AsyncClient
) -> None:
    async def ask() -> None:
        with pytest.raises(httpx.TransportError):
            await client.get("/a")

    way.hold("/a")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await until(lambda: way.held)
        way.cut("/b")
        way.cut("/a")
    way.open()
    assert (await client.get("/a")).is_success


async def test_a_lost_answer_is_of_something_that_was_done_once(
    way: Relay, client: httpx.AsyncClient, done: list[str]
) -> None:
    way.lose_answer("POST /jobs")
    assert (await client.get("/jobs")).is_success
    with pytest.raises(httpx.TransportError):
        await client.post("/jobs")
    assert (await client.post("/jobs")).is_success
    assert done == ["GET /jobs", "POST /jobs", "POST /jobs"]


async def test_a_connection_breaks_before_the_words_it_is_told(
    way: Relay, client: httpx.AsyncClient
) -> None:
    way.break_before(b"/a", b"/b")
    assert (await client.get("/c")).is_success
    for path in ("/a", "/b"):
        with pytest.raises(httpx.TransportError):
            await client.get(path)
        assert (await client.get(path)).is_success


@pytest.mark.parametrize(("path", "rest"), [("/a", b""), ("/b", b"goes on")])
async def test_of_a_swallowed_answer_only_the_beginning_comes(path: str, rest: bytes) -> None:
    async def answer(asked: SocketStream) -> None:
        async with asked:
            for part in (b"begins", b"goes on"):
                await asked.receive()
                await asked.send(part)

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        relay(f"127.0.0.1:{listener.extra(SocketAttribute.local_port)}") as way,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, answer)
        way.swallow("/a")
        async with await anyio.connect_tcp(*way.host.split(":")) as asking:
            await asking.send(f"GET {path} HTTP/1.1\r\n\r\n".encode())
            assert await asking.receive() == b"begins"
            await asking.send(b"more")
            assert b"".join([data async for data in asking]) == rest
        tasks.cancel_scope.cancel()


async def test_a_delayed_request_waits(way: Relay, client: httpx.AsyncClient) -> None:
    way.delay(3600, "/a")
    with anyio.move_on_after(0.05) as waited:
        await client.get("/a")
    assert waited.cancelled_caught
    way.delay(0)
    assert (await client.get("/a")).is_success


async def test_a_server_that_is_away_is_a_broken_connection() -> None:
    async with relay("127.0.0.1:1") as way, httpx.AsyncClient(timeout=PATIENCE) as client:
        with pytest.raises(httpx.TransportError):
            await client.get(f"http://{way.host}/")


async def test_both_sides_may_be_unix_sockets(host: str, tmp_path: Path) -> None:
    async with relay(host, at=tmp_path / "a"), relay(tmp_path / "a", at=tmp_path / "b"):
        transport = httpx.AsyncHTTPTransport(uds=str(tmp_path / "b"))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://x", timeout=PATIENCE
        ) as client:
            assert (await client.get("/a")).json() == "/a"


class Picky(Relay):
    async def on_request(self, way: Way, data: bytes) -> None:
        if b"/bad" in data:
            raise ConnectionAbortedError


async def test_a_relay_of_a_class_of_ones_own_sees_all_that_passes(host: str) -> None:
    async with relay(Picky(host)) as way, httpx.AsyncClient(timeout=PATIENCE) as client:
        assert (await client.get(f"http://{way.host}/good")).is_success
        with pytest.raises(httpx.TransportError):
            await client.get(f"http://{way.host}/bad")


async def test_a_relay_may_end_at_any_moment(host: str) -> None:
    async def ask(url: str) -> None:
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            with suppress(httpx.TransportError):
                while True:
                    await client.get(url)

    async with anyio.create_task_group() as tasks, relay(host) as way:
        for _ in range(8):
            tasks.start_soon(ask, f"http://{way.host}/")
        await until(lambda: way.count() > 20)
