"""A gzipped file as a stream, in bounded steps: as `pack` writes it, which is one member."""

import gzip
import io
import zlib
from typing import TYPE_CHECKING, BinaryIO

from launchkit.code.threads import go_on

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK = 1 << 16
BUFFER = 1 << 20
GZIP = zlib.MAX_WBITS | 16


def unzipped(file: BinaryIO) -> io.BufferedReader:
    """What is zipped in *file*, from where it stands, piece by piece as long as it is wanted.

    The readers raise `zlib.error`, `BadGzipFile` or `EOFError` if it is damaged, or more follows.
    """
    return io.BufferedReader(_Member(file), BUFFER)


class _Member(io.RawIOBase):
    """`GzipFile` reads names and members of any number and length before it gives a byte."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._zip = zlib.decompressobj(GZIP)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        room = memoryview(buffer)
        data = self._piece(len(room))
        room[: len(data)] = data
        return len(data)

    def _piece(self, most: int) -> bytes:
        while not self._zip.eof:
            go_on()
            packed = self._zip.unconsumed_tail or self._file.read(CHUNK)
            data = self._zip.decompress(packed, most)
            if data:
                return data
            if not (packed or self._zip.eof):
                raise EOFError("it ends too early")
        if self._zip.unused_data or self._file.read(1):
            raise gzip.BadGzipFile("something follows its end")
        return b""
