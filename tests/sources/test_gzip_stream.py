"""What is zipped is read in bounded steps, as long as it is wanted."""

import gzip
import io
import zlib
from functools import partial

import pytest
from ended import ends_when_cancelled

from launchkit.code.gzip_stream import unzipped
from launchkit.code.verify import Verifier

DATA = b"so much of it" * 300_000


def zipped(*texts: bytes) -> io.BytesIO:
    return io.BytesIO(b"".join(map(gzip.compress, texts)))


def test_what_is_zipped_is_read() -> None:
    assert unzipped(zipped(DATA)).read() == DATA


async def test_what_is_zipped_is_read_no_further_than_it_is_wanted() -> None:
    assert await ends_when_cancelled(unzipped(zipped(DATA)).read)


@pytest.mark.parametrize("more", [b"x", bytes(512), gzip.compress(b"", mtime=0)])
def test_nothing_may_follow(more: bytes) -> None:
    with pytest.raises(gzip.BadGzipFile, match="something follows"):
        unzipped(io.BytesIO(gzip.compress(DATA) + more)).read()


@pytest.mark.parametrize("size", [0, 5, 500, -9, -1])
def test_what_is_cut_off_is_damaged(size: int) -> None:
    with pytest.raises(EOFError):
        unzipped(io.BytesIO(gzip.compress(DATA)[:size])).read()


def test_what_does_not_fit_its_checksum_is_damaged() -> None:
    whole = bytearray(gzip.compress(DATA))
    whole[-6] ^= 1
    with pytest.raises(zlib.error):
        unzipped(io.BytesIO(whole)).read()


async def test_a_name_without_end_is_read_no_further_than_it_is_wanted() -> None:
    named = io.BytesIO(b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 10_000_000)
    assert await ends_when_cancelled(unzipped(named).read)
    assert named.tell() < 1_000_000


async def test_packed_code_is_verified_no_longer_than_it_is_wanted() -> None:
    verifier = Verifier("0" * 64)
    assert await ends_when_cancelled(partial(verifier.add, zipped(DATA).read()))
