"""A tar read as a stream, as far as `tar_stream` writes it: what else the format knows, such as
sparse files and headers for all that follows, costs memory and time at the will of its author.
"""

import io
import re
import tarfile
from collections.abc import Iterator

from launchkit.errors import FetchError
from launchkit.plain_text import visible_line

CHUNK = 1024**2
LONGEST_HEADER = 1 << 16
"""Bytes of the names that stand before an entry, if they are long."""
FILES = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE})
_RECORD = re.compile(rb"(\d{1,6}) (path|linkpath)=")


class TarReader:
    """The entries of a tar; the content of each is read, if at all, before the next one."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self._stream = stream
        self._left = 0
        self._padding = 0

    def __iter__(self) -> Iterator[tarfile.TarInfo]:
        """:raises TarError: if it is damaged. :raises FetchError: if it is nothing of ours."""
        while (info := self._header()) is not None:
            names: dict[str, str] = {}
            if info.type == tarfile.XHDTYPE:
                names = self._names(info)
                info = self._header()
                if info is None:
                    raise tarfile.ReadError("unexpected end of data")
            info.name = names.get("path", info.name).rstrip("/")
            info.linkname = names.get("linkpath", info.linkname)
            if info.size < 0:
                raise tarfile.ReadError("a size is negative")
            self._begin(info.size if info.type in FILES else 0)
            yield info
            for _ in self.content():
                pass
            self._read(self._padding)

    def content(self) -> Iterator[bytes]:
        """What is left of the file whose entry came last."""
        while self._left:
            data = self._read(min(CHUNK, self._left))
            self._left -= len(data)
            yield data

    def _header(self) -> tarfile.TarInfo | None:
        block = self._stream.read(tarfile.BLOCKSIZE)
        if not block:
            raise tarfile.ReadError("unexpected end of data")
        if not block.strip(b"\0"):
            return None
        try:
            return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except ValueError as exc:
            raise tarfile.ReadError(str(exc)) from exc

    def _names(self, info: tarfile.TarInfo) -> dict[str, str]:
        if not 0 <= info.size <= LONGEST_HEADER:
            raise FetchError(f"{visible_line(info.name)}: has a header of {info.size} bytes")
        self._begin(info.size)
        rest = self._read(info.size)
        self._read(self._padding)
        names: dict[str, str] = {}
        while rest:
            record = _RECORD.match(rest)
            end = int(record[1]) if record else 0
            if record is None or not record.end() < end <= len(rest):
                raise FetchError(f"{visible_line(info.name)}: has a header that is none of ours")
            name, value = record[2].decode(), rest[record.end() : end - 1]
            if name in names:
                raise FetchError(f"{visible_line(info.name)}: has a header with a name twice")
            names[name] = value.decode("utf-8", "surrogateescape")
            rest = rest[end:]
        return names

    def _begin(self, size: int) -> None:
        self._left = size
        self._padding = -size % tarfile.BLOCKSIZE

    def _read(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) < size:
            raise tarfile.ReadError("unexpected end of data")
        return data
