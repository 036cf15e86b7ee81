"""Logs over HTTP: sent twice, out of order, too late; paged, in ranges, left unread."""

import random
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from anyio import lowlevel, to_thread
from launchkit_server.blobs import Blobs, blobs_of
from launchkit_server.collecting import collect
from launchkit_server.door import Door
from launchkit_server.downloads import downloaded
from waiting import until

from launchkit.store import logs

from .browsing import Browser
from .conftest import Served, served_with
from .over_http import RECIPE, Held, claimed, client_in, launched

TEXT = random.Random(0).randbytes(3 * logs.PIECE + 17)


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with client_in(served, uuid4().hex) as client:
        yield client


@pytest.fixture
def held(client: httpx.Client) -> Held:
    launched(client)
    return claimed(client)


def log_of(held: Held, **headers: str) -> httpx.Response:
    return held.client.get(f"/items/{held.id}/log", headers=headers)


def test_what_is_sent_twice_is_stored_once(held: Held) -> None:
    for offset, data in ((0, b"one "), (0, b"one "), (2, b"e two"), (7, b"")):
        assert held.says(offset, data).status_code == 204
    assert log_of(held).content == b"one two"


def test_what_comes_out_of_order_is_told_where_to_go_on(held: Held) -> None:
    held.says(0, b"one ")
    early = held.says(8, b"three")
    assert (early.status_code, early.json()["code"]) == (409, "conflict")
    assert "byte 4" in early.json()["hint"]
    assert held.client.get(f"/agent/items/{held.id}/log", params={"token": held.token}).json() == {
        "size": 4
    }
    assert held.says(4, b"two three").status_code == 204
    assert log_of(held).content == b"one two three"


def test_what_comes_after_the_end_is_refused(held: Held) -> None:
    held.says(0, b"one")
    held.reports("finished")
    late = held.says(3, b"two")
    assert (late.status_code, late.json()["code"], late.json()["ended"]) == (
        409,
        "lease_lost",
        True,
    )
    assert log_of(held).content == b"one"


@pytest.mark.parametrize(
    ("wanted", "begin", "end"),
    [("bytes=0-0", 0, 1), ("bytes=5-", 5, None), ("bytes=-17", -17, None),
     ("bytes=262140-262150", 262140, 262151), ("bytes=1-99999999999", 1, None)],
)  # fmt: skip
def test_a_range_of_a_log_is_given(held: Held, wanted: str, begin: int, end: int | None) -> None:
    held.says(0, TEXT)
    answer = log_of(held, Range=wanted)
    assert answer.status_code == 206
    assert answer.content == TEXT[begin:end]
    first = begin % len(TEXT)
    last = first + len(answer.content) - 1
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(TEXT)}"


@pytest.mark.parametrize("wanted", ["bytes=5-3", "lines=1-2", "bytes=0-1,4-5", "bytes=-", "x"])
def test_a_range_that_is_none_is_as_if_it_were_not_there(held: Held, wanted: str) -> None:
    held.says(0, TEXT)
    answer = log_of(held, Range=wanted)
    assert (answer.status_code, answer.content) == (200, TEXT)
    assert answer.headers["accept-ranges"] == "bytes"


def test_a_range_behind_the_end_is_refused(held: Held) -> None:
    held.says(0, b"one")
    answer = log_of(held, Range="bytes=3-")
    assert (answer.status_code, answer.json()["code"]) == (416, "no_such_range")
    assert answer.headers["content-range"] == "bytes */3"


def test_a_log_that_is_sent_is_that_of_one_attempt_to_its_end(
    served: Served, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another attempt, whose log is short, had it wait for what never comes."""
    monkeypatch.setattr(logs, "PAGE", 1)
    held.says(0, TEXT)
    entity = held.client.base_url.path.rstrip("/").rpartition("/")[2]

    async def sent() -> bytes:
        answer = await downloaded(
            served.service.logs(served.service.database, entity),
            held.id,
            None,
            None,
            lowlevel.checkpoint,
        )
        pieces = aiter(answer.body_iterator)
        said = [await anext(pieces)]
        await to_thread.run_sync(lambda: held.reports("queued", next_attempt=True))
        said += [piece async for piece in pieces]
        return b"".join(map(bytes, said))

    assert served.portal is not None
    assert served.portal.call(sent) == TEXT


def test_a_file_of_a_launch_of_any_name_has_a_name(served: Served, client: httpx.Client) -> None:
    name = "日本"
    launched(client, spec={"recipe": RECIPE, "name": name})
    entity = client.base_url.path.rstrip("/").rpartition("/")[2]
    with Browser(served) as browser:
        browser.sign_in()
        answer = browser.get(f"/e/{entity}/launches/{quote(name)}/log/file")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="launch.log"'


def test_a_long_log_comes_in_pages(held: Held) -> None:
    held.says(0, TEXT * 3)
    pages = []
    while page := held.client.get(
        "/log", params={"item": held.id, "offset": sum(map(len, pages))}
    ).content:
        pages.append(page)
    assert b"".join(pages) == TEXT * 3
    assert max(map(len, pages)) <= logs.PAGE + logs.PIECE
    assert len(pages) > 1


@pytest.mark.parametrize("place", ["folder", "s3"])
def test_an_old_log_is_read_from_among_the_blobs(tmp_path: Path, place: str, bucket: str) -> None:
    with served_with(Door(), tmp_path) as own, client_in(own, "e") as client:
        blobs = blobs_of(bucket if place == "s3" else str(tmp_path / "blobs"))
        launched(client)
        held = claimed(client)
        held.says(0, TEXT)
        assert moved(own, blobs) == 0, "it goes on"
        held.reports("finished")
        assert moved(own, blobs) == 4
        assert moved(own, blobs) == 0
        alone = client.get("/log", params={"item": held.id})
        assert (alone.status_code, alone.json()["code"]) == (503, "unreachable")
        own.service.blobs = blobs
        assert log_of(held).content == TEXT
        assert (
            log_of(held, Range=f"bytes={logs.PIECE - 1}-{logs.PIECE}").content
            == (TEXT[logs.PIECE - 1 : logs.PIECE + 1])
        )


def moved(own: Served, blobs: Blobs) -> int:
    """How many pieces of logs are moved, if all that has ended is old."""
    assert own.portal is not None
    return own.portal.call(collect, own.service.database, blobs, -1e12).moved


async def test_a_client_that_never_reads_is_given_up(tmp_path: Path) -> None:
    with (
        served_with(Door(), tmp_path, silent_seconds=0.2) as own,
        client_in(own, "e") as client,
        socket.create_connection((client.base_url.host, client.base_url.port or 0), 60) as silent,
    ):
        launched(client)
        held = claimed(client)
        for number in range(8):
            assert held.says(number * len(TEXT) * 10, TEXT * 10).is_success
        words = (
            f"GET {client.base_url.path}items/{held.id}/log HTTP/1.1",
            "Host: here",
            f"Authorization: {client.headers['authorization']}",
        )
        ports = silent.getpeername()[1], silent.getsockname()[1]
        silent.sendall("\r\n".join(words).encode() + b"\r\n\r\n")
        silent.recv(1, socket.MSG_PEEK)
        await until(lambda: not is_served(ports))
        assert client.get("/queues").is_success


def is_served(ports: tuple[int, int]) -> bool:
    """Whether the first of two sides, on this machine, has their connection still."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sides = [[int(end.partition(":")[2], 16) for end in row[1:3]] for row in rows if row[3] == "01"]
    return [*ports] in sides
