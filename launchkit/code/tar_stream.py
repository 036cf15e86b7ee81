"""A tar as a stream, equal for equal code: no owners, no times, no permission but "executable"."""

import os
import stat
import tarfile
from collections.abc import Iterable, Iterator

from launchkit.code.inside import Inside
from launchkit.code.survey import Entry
from launchkit.errors import Rejected
from launchkit.plain_text import visible_line

CHUNK = 1024**2


def tar_chunks(
    tree: Inside, entries: Iterable[Entry], ignore_file: str, prefix: str = ""
) -> Iterator[bytes]:
    """The tar of *entries* of the directory *tree*, without its end; names begin with *prefix*.

    :raises Rejected: if a file cannot be read, or is not as it was when it was listed; the advice
        is to list it in *ignore_file*.
    """
    for entry in entries:
        yield _header(entry, prefix)
        if entry.kind == stat.S_IFREG:
            yield from _content(tree, entry, ignore_file)


def tar_text(name: str, text: str) -> bytes:
    """A file that holds *text*, as a part of a tar."""
    data = text.encode()
    info = tarfile.TarInfo(name)
    info.size = len(data)
    return _packed(info) + data + _padding(len(data))


def tar_end(size: int) -> bytes:
    """What ends a tar of *size* bytes: two empty blocks, and as many as fill the last record."""
    return bytes(2 * tarfile.BLOCKSIZE + -(size + 2 * tarfile.BLOCKSIZE) % tarfile.RECORDSIZE)


def _header(entry: Entry, prefix: str) -> bytes:
    info = tarfile.TarInfo(prefix + entry.path)
    if entry.kind == stat.S_IFDIR:
        info.type, info.mode = tarfile.DIRTYPE, 0o755
    elif entry.kind == stat.S_IFLNK:
        info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, entry.target
    else:
        info.size, info.mode = entry.size, 0o755 if entry.executable else 0o644
    return _packed(info)


def _packed(info: tarfile.TarInfo) -> bytes:
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)


def _content(tree: Inside, entry: Entry, ignore_file: str) -> Iterator[bytes]:
    try:
        # what was a file when we looked may be a link or a pipe by now, or stand behind a link
        handle = tree.open(entry.path)
    except OSError as exc:
        raise Rejected(
            f"{visible_line(entry.path)}: cannot be read: {exc.strerror}",
            hint=f"list /{visible_line(entry.path)} in {ignore_file} to leave it out",
        ) from exc
    with os.fdopen(handle, "rb") as file:
        _require_size(entry, os.fstat(handle).st_size)
        left = entry.size
        while left and (chunk := file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
        _require_size(entry, entry.size - left)
        _require_size(entry, os.fstat(handle).st_size)
        tree.require_there(entry.path, handle)
    yield _padding(entry.size)


def _require_size(entry: Entry, size: int) -> None:
    if size != entry.size:
        raise Rejected(
            f"{visible_line(entry.path)}: changed while it was packed,"
            f" from {entry.size} to {size} bytes",
            hint="try again when nothing writes to the code directory",
        )
