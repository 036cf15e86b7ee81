"""Connections of those who ask for nothing: over real sockets, plain and with TLS."""

import asyncio
import asyncio.constants
import resource
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from launchkit_server.connections import MOST, Bounds
from launchkit_server.door import Door
from waiting import PATIENCE

from .conftest import Served, client_of, served_with

QUEUES = "/api/v1/entities/test/queues"
FEW = Bounds(most=12, of_one=4)
HASTY = Bounds(most=12, of_one=4, head_seconds=0.05, silent_seconds=0.05)
HEALTH = b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n"
HEALTH_AND_NO_MORE = b"GET /livez HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"


@pytest.fixture
def waiting_for_farewells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let asyncio wait for the end of TLS longer than any test."""
    monkeypatch.setattr(asyncio.constants, "SSL_SHUTDOWN_TIMEOUT", 10 * PATIENCE)


def connected(served: Served, host: str = "127.0.0.1") -> socket.socket:
    """A connection from a host, over which nothing is said."""
    url = httpx.URL(served.url)
    return socket.create_connection((url.host, url.port or 0), PATIENCE, (host, 0))


def speaking(served: Served, peer: socket.socket) -> socket.socket:
    """The same with TLS, if the service speaks that."""
    if served.url.startswith("http:"):
        return peer
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(peer)


def ends(peer: socket.socket) -> bool:
    """Whether the other side ends a connection, after whatever it says."""
    with suppress(ConnectionError, ssl.SSLError):
        while peer.recv(65536):
            pass
    return True


def streaming(served: Served, host: str = "127.0.0.1") -> socket.socket:
    """A connection over which events come, or that was closed for others that ask for something."""
    peer = connected(served, host)
    token = f"Authorization: Bearer {str.__str__(served.tokens['ann'])}"
    line = "GET /api/v1/entities/test/events/stream HTTP/1.1"
    with suppress(ConnectionError):
        peer.sendall(f"{line}\r\n{token}\r\nHost: here\r\n\r\n".encode())
    return peer


def is_answered(peer: socket.socket) -> bool:
    try:
        return peer.recv(15) == b"HTTP/1.1 200 OK"
    except ConnectionError:
        return False


def is_open(peer: socket.socket) -> bool:
    """Whether the other side has not ended a connection."""
    peer.settimeout(0)
    try:
        while peer.recv(65536):
            pass
    except BlockingIOError:
        return True
    except ConnectionError:
        pass
    return False


def without_farewell(served: Served, said: bytes = b"") -> socket.socket:
    """A connection whose TLS has begun, and is not ended by its client, whoever else ends it."""
    while True:
        with suppress(ConnectionError, ssl.SSLError):  # the service did not wait for TLS
            spoken = speaking(served, connected(served))
            spoken.sendall(said)
            if not said or is_answered(spoken):
                silent = socket.socket(fileno=spoken.detach())
                silent.settimeout(PATIENCE)
                return silent


@contextmanager
def crowd(served: Served, *hosts: str) -> Iterator[list[socket.socket]]:
    """Silent connections, one after the other."""
    with ExitStack() as stack:
        yield [stack.enter_context(connected(served, host)) for host in hosts]


def test_connections_of_one_address_that_ask_for_nothing_keep_nobody_out(
    door: Door, tmp_path: Path
) -> None:
    with (
        served_with(replace(door, connections=FEW), tmp_path) as served,
        crowd(served, *["127.0.0.1"] * 20) as silent,
        client_of(served, verify=False) as client,
    ):
        assert all(ends(peer) for peer in silent[: -FEW.of_one])
        assert client.get(QUEUES).is_success


def test_connections_of_many_addresses_that_ask_for_nothing_keep_nobody_out(
    door: Door, tmp_path: Path
) -> None:
    with (
        served_with(replace(door, connections=FEW), tmp_path) as served,
        crowd(served, *[f"127.0.1.{number}" for number in range(1, 30)]) as silent,
        client_of(served, verify=False) as client,
    ):
        assert all(ends(peer) for peer in silent[: -FEW.most])
        assert client.get(QUEUES).is_success


def test_a_connection_without_a_whole_request_is_closed(door: Door, tmp_path: Path) -> None:
    with served_with(replace(door, connections=HASTY), tmp_path) as served:
        with connected(served) as peer:
            assert ends(peer)
        with connected(served) as peer, speaking(served, peer) as spoken:
            with suppress(OSError):  # it may have been closed by now
                spoken.sendall(HEALTH[:20])
            assert ends(spoken)


@pytest.mark.parametrize("door", ["https"], indirect=True)
def test_a_connection_that_asks_for_nothing_ends_without_a_farewell_of_its_client(
    door: Door, tmp_path: Path, waiting_for_farewells: None
) -> None:
    bounds = replace(HASTY, head_seconds=0.5)
    with (
        served_with(replace(door, connections=bounds), tmp_path) as served,
        without_farewell(served) as silent,
    ):
        assert ends(silent)


@pytest.mark.parametrize("door", ["https"], indirect=True)
def test_one_that_is_closed_and_does_not_end_goes_for_another(
    door: Door, tmp_path: Path, waiting_for_farewells: None
) -> None:
    bounds = Bounds(most=1, of_one=1, silent_seconds=0)
    with (
        served_with(replace(door, connections=bounds), tmp_path) as served,
        without_farewell(served, HEALTH_AND_NO_MORE),
        connected(served) as peer,
        speaking(served, peer) as spoken,
    ):
        spoken.sendall(HEALTH)
        assert is_answered(spoken)


def test_bytes_that_make_no_request_keep_no_connection_open(door: Door, tmp_path: Path) -> None:
    bounds = replace(HASTY, head_seconds=PATIENCE)
    with (
        served_with(replace(door, connections=bounds), tmp_path) as served,
        connected(served) as peer,
        speaking(served, peer) as spoken,
    ):
        spoken.sendall(HEALTH)
        assert is_answered(spoken)
        with suppress(OSError):
            spoken.sendall(HEALTH[:1])
        assert ends(spoken)


def test_a_connection_over_which_something_is_asked_is_closed_for_no_other(tmp_path: Path) -> None:
    with served_with(Door(connections=FEW), tmp_path) as served, ExitStack() as stack:
        asking = [stack.enter_context(streaming(served)) for _ in range(FEW.of_one)]
        assert all(is_answered(peer) for peer in asking)
        with streaming(served) as peer:
            assert not is_answered(peer)
        with streaming(served, "127.0.0.2") as peer:
            assert is_answered(peer)
        assert all(is_open(peer) for peer in asking)
        asking[0].close()
        while not is_answered(stack.enter_context(streaming(served))):
            pass  # what is closed here is closed there in a moment


def test_a_trusted_proxy_may_have_all_connections(tmp_path: Path) -> None:
    door = Door(connections=FEW, trusted_proxies=("127.0.0.0/30",))
    with served_with(door, tmp_path) as served, ExitStack() as stack:
        asking = [stack.enter_context(streaming(served)) for _ in range(FEW.most)]
        assert all(is_answered(peer) for peer in asking)
        with streaming(served, "127.0.0.2") as peer:
            assert not is_answered(peer)


@pytest.mark.parametrize(
    ("files", "most"), [(1024, 512), (2**20, MOST), (resource.RLIM_INFINITY, MOST)]
)
def test_half_of_the_open_files_are_left_for_what_is_done_for_connections(
    monkeypatch: pytest.MonkeyPatch, files: int, most: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert Bounds.of_open_files().most == most


@pytest.mark.parametrize("files", [400, 402, 1024, 2**20])
def test_all_connections_of_four_addresses_leave_room_for_others(
    monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    bounds = Bounds.of_open_files()
    assert 4 * bounds.of_one < bounds.most <= 4 * bounds.of_one + 4
