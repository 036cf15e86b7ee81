"""Pack a code directory so that equal code has an equal digest, on any machine, at any time."""

import gzip
import hashlib
import io
import os
import stat
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from launchkit.errors import LaunchError, Rejected
from launchkit.model import ArchiveSource
from launchkit.steps.survey import DEFAULT_LIMITS, Entry, PackLimits, survey

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Hashing(io.BufferedIOBase):
    """Hands on what is written to it, and knows its SHA-256."""

    def __init__(self, to: gzip.GzipFile) -> None:
        self._to = to
        self._sha = hashlib.sha256()

    def write(self, data: "ReadableBuffer", /) -> int:
        self._sha.update(data)
        return self._to.write(data)

    def hexdigest(self) -> str:
        return self._sha.hexdigest()


def pack(root: Path, into: Path, limits: PackLimits = DEFAULT_LIMITS) -> ArchiveSource:
    """Write a gzipped tar of the directory *root* to the file *into*.

    Owners, times and all permissions but "executable" are left out of it. `survey` tells which
    files are taken.

    :raises Rejected: if something in it cannot be packed, or it is too much; names the path.
    :raises LaunchError: if *into* cannot be written.
    """
    entries = survey(root, limits)
    try:
        digest = _write(root, entries, into)
    except BaseException as exc:
        into.unlink(missing_ok=True)
        if isinstance(exc, OSError):
            raise LaunchError(f"cannot pack {root} into {into}: {exc.strerror or exc}") from exc
        raise
    return ArchiveSource(
        digest=digest, size=into.stat().st_size, name=root.resolve().name or "code"
    )


def _write(root: Path, entries: list[Entry], into: Path) -> str:
    with (
        into.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0) as packed,
    ):
        stream = _Hashing(packed)
        with tarfile.open(mode="w|", fileobj=stream, format=tarfile.PAX_FORMAT) as tar:
            for entry in entries:
                _add(tar, root, entry)
    return stream.hexdigest()


def _add(tar: tarfile.TarFile, root: Path, entry: Entry) -> None:
    info = tarfile.TarInfo(entry.path)
    if entry.kind == stat.S_IFDIR:
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(info)
    elif entry.kind == stat.S_IFLNK:
        info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, entry.target
        tar.addfile(info)
    else:
        info.size, info.mode = entry.size, 0o755 if entry.executable else 0o644
        _add_file(tar, root, info)


def _add_file(tar: tarfile.TarFile, root: Path, info: tarfile.TarInfo) -> None:
    try:
        # what was a file when we looked may be a link or a pipe by now
        handle = os.open(root / info.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as exc:
        raise Rejected(
            f"{info.name}: cannot be read: {exc.strerror}",
            hint=f"list /{info.name} in .launchkitignore to leave it out",
        ) from exc
    with os.fdopen(handle, "rb") as file:
        _require_size(info, os.fstat(handle).st_size)
        try:
            tar.addfile(info, file)
        finally:  # a file that shrinks ends too early for tar
            _require_size(info, os.fstat(handle).st_size)


def _require_size(info: tarfile.TarInfo, size: int) -> None:
    if size != info.size:
        raise Rejected(
            f"{info.name}: changed while it was packed, from {info.size} to {size} bytes",
            hint="pack again when nothing writes to the code directory",
        )
