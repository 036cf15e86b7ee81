"""Code as pieces that fit into secrets."""

import errno
import gzip
import io
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from launchkit.errors import LaunchError, Rejected

PIECE_BYTES = 700_000
"""A secret holds 1 MiB of base64 and all (https://kubernetes.io/docs/concepts/configuration/secret/)."""
MAX_PIECES = 16


@dataclass(frozen=True)
class PackedCode:
    """A gzipped tar archive, cut into pieces."""

    pieces: Sequence[bytes]


def packed(code: Path) -> PackedCode:
    """Pack a directory, equal code to equal pieces: without owners, times and permissions but
    "executable".

    :raises Rejected: if it is too large to be laid into a pod.
    :raises LaunchError: if it cannot be read.
    """
    archive = _Bounded(PIECE_BYTES * MAX_PIECES)
    try:
        with (
            gzip.GzipFile(fileobj=archive, mode="wb", mtime=0) as zipped,
            tarfile.open(fileobj=zipped, mode="w|", format=tarfile.PAX_FORMAT) as tar,
        ):
            for path in _all_in(code):
                name = path.relative_to(code).as_posix()
                tar.add(path, arcname=name, recursive=False, filter=_nobodys)
    except OSError as exc:
        if exc.errno == errno.ENAMETOOLONG:
            raise LaunchError("cannot pack the code: its directories are nested too deep") from exc
        where = exc.filename or code
        raise LaunchError(f"cannot pack the code: {where}: {exc.strerror or exc}") from exc
    data = archive.getvalue()
    return PackedCode(
        [data[start : start + PIECE_BYTES] for start in range(0, len(data), PIECE_BYTES)]
    )


def _all_in(code: Path) -> Iterator[Path]:
    """What is in a directory, each directory before what is in it, by names."""
    left = sorted(code.iterdir(), reverse=True)
    while left:
        path = left.pop()
        yield path
        if path.is_dir() and not path.is_symlink():
            left += sorted(path.iterdir(), reverse=True)


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Without what differs from machine to machine; no devices, pipes or sockets."""
    if not (member.isfile() or member.isdir() or member.issym() or member.islnk()):
        return None
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    runs = member.isdir() or member.issym() or member.mode & 0o100
    member.mode = 0o755 if runs else 0o644
    return member


class _Bounded(io.BytesIO):
    """Takes so many bytes and no more."""

    def __init__(self, longest: int) -> None:
        super().__init__()
        self._longest = longest

    def write(self, data: bytes, /) -> int:  # type: ignore[override] # what gzip gives
        if self.tell() + len(data) > self._longest:
            raise Rejected(
                f"the code has more than {self._longest / 1e6:.0f} MB packed, too much to be laid"
                " into a pod",
                hint="have an image built of it: give the agent a builder",
            )
        return super().write(data)
