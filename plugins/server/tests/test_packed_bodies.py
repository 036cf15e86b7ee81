"""Bodies that come compressed, and hold more than they unpack to; over real sockets."""

import gzip
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from launchkit_server.door import Door
from launchkit_server.envelope import Limits

from .conftest import client_of, served_with

PARSE = "/api/v1/entities/test/queues/parse"
SIZE = 4096
BODY = b'{"config":{}}'
PACKED = gzip.compress(BODY)
HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
EMPTY = b"\0\0\0\xff\xff"
"""A block of deflate that holds nothing."""


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    """Asks a service that takes little."""
    with served_with(Door(limits=Limits(body=SIZE)), tmp_path) as served, client_of(served) as ann:
        ann.headers.update({"Content-Type": "application/json", "Content-Encoding": "gzip"})
        yield ann


def of_empty_blocks(number: int) -> bytes:
    """What unpacks to a short body, and is as long as one likes."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    end = struct.pack("<II", zlib.crc32(BODY), len(BODY))
    return HEAD + EMPTY * number + packer.compress(BODY) + packer.flush() + end


@pytest.mark.parametrize(
    "more", [b"x", b"\0", PACKED, gzip.compress(b"")], ids=["x", "0", "packed", "empty"]
)
def test_a_packed_body_has_nothing_behind_its_end(client: httpx.Client, more: bytes) -> None:
    assert client.post(PARSE, content=PACKED).is_success
    for content in (PACKED + more, iter((PACKED, more))):
        told = client.post(PARSE, content=content)
        assert told.status_code == 400
        assert "goes on behind the end of its gzip data" in told.json()["detail"]


@pytest.mark.parametrize(("number", "status"), [(10, 200), (SIZE // len(EMPTY), 413)])
def test_a_packed_body_that_unpacks_to_nothing_has_only_so_many_bytes(
    client: httpx.Client, number: int, status: int
) -> None:
    assert client.post(PARSE, content=of_empty_blocks(number)).status_code == status
    whole = of_empty_blocks(number)
    pieces = (whole[at : at + 512] for at in range(0, len(whole), 512))
    assert client.post(PARSE, content=pieces).status_code == status
