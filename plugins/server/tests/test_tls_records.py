"""TLS records that bring no data: over a real service, and from memory."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from launchkit_server.connections import Bounds
from launchkit_server.door import Door, tls_of
from waiting import PATIENCE

from launchkit.aio.tls_records import MOST_WITHOUT_DATA

from .conftest import Served, served_with
from .test_connections import HEALTH, connected, ends

RECORD = bytes.fromhex("16030100")
"""How one of a handshake begins that has fewer than 256 bytes."""
PATIENT = Bounds(most=12, of_one=12, head_seconds=10 * PATIENCE)

pytestmark = pytest.mark.parametrize("door", ["https"], indirect=True)


class Peer:
    """A client that speaks TLS into memory."""

    def __init__(self) -> None:
        self._came, self._goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._spoken = context.wrap_bio(self._came, self._goes)

    def answered(self, data: bytes) -> bytes:
        """What it says to what comes, while TLS begins."""
        self._came.write(data)
        with suppress(ssl.SSLWantReadError):
            self._spoken.do_handshake()
        return self._goes.read()

    def said(self, data: bytes) -> bytes:
        """The record that has some data."""
        self._spoken.write(data)
        return self._goes.read()


class Client:
    """`openssl s_client`, which says what it is told to."""

    def __init__(self, served: Served) -> None:
        url, pipe = httpx.URL(served.url), subprocess.PIPE
        words = ["openssl", "s_client", "-tls1_3", "-connect", f"{url.host}:{url.port}"]
        self.process = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0)

    def says(self, data: bytes) -> None:
        assert self.process.stdin
        with suppress(BrokenPipeError):
            self.process.stdin.write(data)

    def gets_new_keys(self) -> None:
        """Ask for them, and wait until that is done, or it has ended."""
        assert self.process.stderr
        self.says(b"K\n")
        while self.process.stderr.readline() not in {b"KEYUPDATE\n", b""}:
            pass

    def is_answered(self) -> bool:
        assert self.process.stdout
        return any(b"HTTP/1.1 200 OK" in line for line in self.process.stdout)


@contextmanager
def client_of(served: Served) -> Iterator[Client]:
    client = Client(served)
    with client.process:
        try:
            yield client
        finally:
            client.process.kill()


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl asks for new keys")
def test_who_asks_for_new_keys_again_and_again_is_hung_up_on(
    door: Door, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        served_with(replace(door, connections=PATIENT), tmp_path) as served,
        client_of(served) as client,
    ):
        for _ in range(3):
            client.gets_new_keys()
        client.says(HEALTH)
        assert client.is_answered()
        for _ in range(MOST_WITHOUT_DATA):
            client.gets_new_keys()
        client.process.wait(PATIENCE)
    assert "Traceback" not in caplog.text


def test_a_handshake_in_very_many_records_is_broken_off(door: Door, tmp_path: Path) -> None:
    hello = Peer().answered(b"")[5:]
    with (
        served_with(replace(door, connections=PATIENT), tmp_path) as served,
        connected(served) as peer,
    ):
        with suppress(ConnectionError):
            for byte in hello:
                peer.sendall(RECORD + bytes([1, byte]))
        assert ends(peer)


def test_records_that_come_byte_by_byte_are_understood(door: Door) -> None:
    peer, came, goes = Peer(), ssl.MemoryBIO(), ssl.MemoryBIO()
    assert door.tls_cert
    context = tls_of(door.tls_cert, door.tls_key)
    spoken = context.wrap_bio(came, goes, server_side=True)
    taken = b""

    def comes(data: bytes) -> bytes:
        for byte in data:
            came.write(bytes([byte]))
            with suppress(ssl.SSLWantReadError):
                spoken.do_handshake()
        return goes.read()

    comes(peer.answered(comes(peer.answered(b""))))
    for byte in peer.said(b"some") + peer.said(b" words"):
        came.write(bytes([byte]))
        with suppress(ssl.SSLWantReadError):
            taken += spoken.read(100)
    assert taken == b"some words"
