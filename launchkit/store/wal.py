"""Whether the `-wal` beside a SQLite file belongs to it. SQLite does not look: it would replay the
changes of one file onto a copy that was put in its place.

Each commit of ours leaves a new mark in the file's first page, its application id, so the WAL has
the first page of each commit. The file is what the oldest of them was made from, or has one of
them already; any other file was put there. Where the WAL has no first page, nothing is said.

The format of a WAL: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

import secrets
import sqlite3
import struct
import sys
from array import array
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, NamedTuple

from launchkit.errors import Unreachable
from launchkit.shell_words import shell_word

MARKS = 2**31 - 1
"""Marks are counted modulo this number."""
LOOKS = 10
"""How often a file is looked at that another process changes meanwhile."""
_HEADER, _FRAME = 32, 24
_MAGIC = 0x377F0682
"""The first number of a WAL; one more where its checksums are of big-endian words."""


class FirstPage(NamedTuple):
    """What the first page says: the mark of the commit, and how often the schema was changed."""

    mark: int
    schema: int


def begin(connection: sqlite3.Connection) -> None:
    """Leave a mark that no other file has."""
    connection.execute(f"pragma application_id = {secrets.randbelow(MARKS)}")


def advance(connection: sqlite3.Connection) -> int:
    """Leave the next mark, and give it. Belongs into each transaction that changes something."""
    mark = (connection.execute("pragma application_id").fetchone()[0] + 1) % MARKS
    connection.execute(f"pragma application_id = {mark}")
    return int(mark)


def check_wal(path: Path) -> None:
    """Refuse the file if the `-wal` beside it is of another one; both stay as they are.

    :raises Unreachable: if so.
    :raises sqlite3.DatabaseError: if the file is no database.
    """
    wal = Path(f"{path}-wal")
    for _ in range(LOOKS):
        before = _look(path, wal)
        if before is None or _belongs(before[0], wal):
            return
        if _look(path, wal) == before:
            raise Unreachable(
                f"{wal} holds changes of another file than {path}: was a copy put in its place?",
                hint="put a backup in place with launchkit store restore FILE, which keeps what"
                f" lies there now; or move {shell_word(wal)} away to go on with the file"
                " alone",
            )


def _look(path: Path, wal: Path) -> tuple[FirstPage, bytes] | None:
    """The first page as it is without the WAL, and the WAL's header; None if either is missing.

    SQLite reads the file: if we closed it ourselves, this process would lose its locks on it.
    """
    try:
        with wal.open("rb") as log:
            header = log.read(_HEADER)
    except FileNotFoundError:
        return None
    if len(header) < _HEADER or not path.exists() or not path.stat().st_size:
        return None
    with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as alone:
        # A checkpoint writes the first page before the file is as long as that page says: without
        # this, SQLite calls a file malformed that it only has to go on with.
        alone.execute("pragma writable_schema = on")
        mark = alone.execute("pragma application_id").fetchone()[0]
        schema = alone.execute("pragma schema_version").fetchone()[0]
    return FirstPage(mark, schema), header


def _belongs(page: FirstPage, wal: Path) -> bool:
    try:
        with wal.open("rb") as log:
            pages = _first_pages(log)
            oldest = next(pages, None)
            if oldest is None or page == oldest:
                return True
            made_from = (oldest.mark - page.mark) % MARKS in {0, 1} and page.schema <= oldest.schema
            return made_from or page in pages
    except FileNotFoundError:
        return True


def _first_pages(log: BinaryIO) -> Iterator[FirstPage]:
    """The first pages in a WAL, oldest first. Up to the oldest all is proved by checksums."""
    header = log.read(_HEADER)
    magic, _, size = struct.unpack(">3I", header[:12])
    size = 65536 if size == 1 else size
    order = "big" if magic & 1 else "little"
    sums = _checksum(header[:24], order, (0, 0))
    if magic & ~1 != _MAGIC or not 512 <= size <= 65536 or sums != _pair(header[24:]):
        return
    proved = False
    while len(frame := log.read(_FRAME + size)) == _FRAME + size and frame[8:16] == header[16:24]:
        if not proved:
            sums = _checksum(frame[:8] + frame[_FRAME:], order, sums)
            if sums != _pair(frame[16:24]):
                return
        if frame[:4] == b"\0\0\0\1":
            proved = True
            page = frame[_FRAME:]
            yield FirstPage(*struct.unpack(">i", page[68:72]), *struct.unpack(">i", page[40:44]))


def _pair(data: bytes) -> tuple[int, int]:
    first, second = struct.unpack(">2I", data)
    return first, second


def _checksum(data: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    words = array("I", data)
    if order != sys.byteorder:
        words.byteswap()
    first, second = sums
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
