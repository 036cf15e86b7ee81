"""TLS records of servers that bring no data."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
import httpx
import pytest
from anyio.abc import SocketAttribute
from anyio.streams.tls import TLSListener, TLSStream
from saying import CRUMBS, saying
from served import certify
from waiting import PATIENCE

from launchkit.aio.http import http_client, machine_trust
from launchkit.aio.tls_records import MOST_WITHOUT_DATA, by_records

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsaid"


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One of this machine, which the environment trusts."""
    file = certify(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file.with_name("ca.pem")))
    return file


def server_of(certificate: Path, tickets: int) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    context.num_tickets = tickets
    return context


@asynccontextmanager
async def answering(certificate: Path, answer: bytes, tickets: int = 2) -> AsyncIterator[str]:
    async def give(stream: TLSStream) -> None:
        with suppress(anyio.BrokenResourceError, anyio.EndOfStream):
            async with stream:
                while await stream.receive():
                    await stream.send(answer)
                    if answer != ANSWER:
                        return

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        secret = TLSListener(listener, server_of(certificate, tickets), standard_compatible=False)
        tasks.start_soon(secret.serve, give)
        yield f"https://127.0.0.1:{listener.extra(SocketAttribute.local_port)}/"
        tasks.cancel_scope.cancel()


async def test_a_server_may_give_some_tickets_and_answer_again_and_again(certificate: Path) -> None:
    async with (
        answering(certificate, ANSWER, tickets=4) as url,
        http_client(machine_trust(), timeout=PATIENCE) as client,
    ):
        for _ in range(2 * MOST_WITHOUT_DATA):
            assert (await client.get(url)).content == b"said"


async def test_a_server_that_gives_very_many_tickets_is_hung_up_on(certificate: Path) -> None:
    async with (
        answering(certificate, ANSWER, tickets=MOST_WITHOUT_DATA) as url,
        http_client(machine_trust(), timeout=PATIENCE) as client,
    ):
        with pytest.raises(httpx.ReadError, match=r"^too many TLS records without data$"):
            await client.get(url)


@pytest.mark.usefixtures("certificate")
async def test_a_server_that_begins_tls_in_very_many_records_is_hung_up_on() -> None:
    async with (
        saying(CRUMBS) as place,
        http_client(machine_trust(), timeout=PATIENCE) as client,
    ):
        with pytest.raises(httpx.ConnectError, match=r"^too many TLS records without data$"):
            await client.get(f"https://{place}/")


async def test_a_server_that_hangs_up_in_the_middle_is_heard(certificate: Path) -> None:
    async with (
        answering(certificate, ANSWER[:-1]) as url,
        http_client(machine_trust(), timeout=PATIENCE) as client,
    ):
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(url)


def test_a_record_is_left_until_the_one_before_was_taken(certificate: Path) -> None:
    """What is read byte by byte hands OpenSSL no more at once than what is read whole."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_of(certificate, 0).wrap_bio(there, back, server_side=True)
    came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = by_records(machine_trust()).wrap_bio(came, goes, server_hostname="127.0.0.1")
    for side in (client, server, client, server):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
        there.write(goes.read())
        came.write(back.read())
    for _ in range(20):
        server.write(b"some words")
    came.write(record := back.read())
    before = came.pending
    assert b"".join(client.read(1) for _ in range(10)) == b"some words"
    assert before - came.pending <= len(record) / 10
