"""What is zipped is read in bounded steps, between which it can be ended."""

import gzip
import io
import zlib
from pathlib import Path

import pytest

from launchkit.code.gzip_stream import BUFFER, unzipped
from launchkit.code.unpack import unpack

DATA = b"so much of it" * 300_000


class Ended(Exception):
    """What ends a reader."""


class Work:
    """Ends after so many pieces."""

    def __init__(self, most: int = 1_000_000) -> None:
        self.left = most

    def __call__(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Ended


def zipped(*texts: bytes) -> io.BytesIO:
    return io.BytesIO(b"".join(map(gzip.compress, texts)))


def test_what_is_zipped_is_read() -> None:
    assert unzipped(zipped(DATA), Work()).read() == DATA


def test_between_two_pieces_it_is_asked_whether_to_go_on() -> None:
    work = Work(len(DATA) // BUFFER)
    with pytest.raises(Ended):
        unzipped(zipped(DATA), work).read()


@pytest.mark.parametrize("more", [b"x", bytes(512), gzip.compress(b"")])
def test_nothing_may_follow(more: bytes) -> None:
    with pytest.raises(gzip.BadGzipFile, match="something follows"):
        unzipped(io.BytesIO(gzip.compress(DATA) + more), Work()).read()


@pytest.mark.parametrize("size", [0, 5, 500, -9, -1])
def test_what_is_cut_off_is_damaged(size: int) -> None:
    with pytest.raises(EOFError):
        unzipped(io.BytesIO(gzip.compress(DATA)[:size]), Work()).read()


def test_what_does_not_fit_its_checksum_is_damaged() -> None:
    whole = bytearray(gzip.compress(DATA))
    whole[-6] ^= 1
    with pytest.raises(zlib.error):
        unzipped(io.BytesIO(whole), Work()).read()


def test_a_name_without_end_can_be_ended() -> None:
    named = b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 10_000_000
    with pytest.raises(Ended):
        unzipped(io.BytesIO(named), Work(100)).read()


def test_what_ends_it_ends_unpacking(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(DATA))
    with pytest.raises(Ended):
        unpack(tmp_path / "a", "0" * 64, tmp_path / "into", at_work=Work(2))
