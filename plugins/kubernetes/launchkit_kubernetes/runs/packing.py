"""Code as pieces that fit into secrets."""

import gzip
import io
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from launchkit.code.inside import Inside, inside, require_short
from launchkit.code.survey import Entry
from launchkit.code.tar_stream import tar_chunks, tar_end
from launchkit.code.threads import go_on
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
    "executable". Of all that is in it nothing is remembered but what it becomes.

    :raises Rejected: if it is too large to be laid into a pod, or a file cannot be read.
    :raises LaunchError: if a directory cannot be read.
    """
    archive = _Bounded(PIECE_BYTES * MAX_PIECES)
    size = 0
    try:
        with (
            inside(code) as tree,
            gzip.GzipFile(fileobj=archive, mode="wb", mtime=0) as zipped,
        ):
            for chunk in tar_chunks(tree, _all_in(tree), ".launchkitignore"):
                go_on()
                size += len(chunk)
                zipped.write(chunk)
            zipped.write(tar_end(size))
    except OSError as exc:
        where = exc.filename or code
        raise LaunchError(f"cannot pack the code: {where}: {exc.strerror or exc}") from exc
    data = archive.getvalue()
    return PackedCode(
        [data[start : start + PIECE_BYTES] for start in range(0, len(data), PIECE_BYTES)]
    )


def _all_in(tree: Inside) -> Iterator[Entry]:
    """What is in a directory, each directory before what is in it, by names; no devices, pipes or
    sockets.
    """
    below = [("", iter(tree.names("")))]
    while below:
        folder, names = below[-1]
        name = next(names, None)
        if name is None:
            below.pop()
            continue
        entry = _entry(tree, f"{folder}/{name}" if folder else name)
        if entry is None:
            continue
        yield entry
        if entry.kind == stat.S_IFDIR:
            below.append((entry.path, iter(tree.names(entry.path))))


def _entry(tree: Inside, path: str) -> Entry | None:
    require_short(path)
    facts = tree.facts(path)
    kind = stat.S_IFMT(facts.st_mode)
    if kind == stat.S_IFREG:
        executable = bool(facts.st_mode & stat.S_IXUSR)
        return Entry(path=path, kind=kind, size=facts.st_size, executable=executable)
    target = tree.target(path) if kind == stat.S_IFLNK else ""
    known = kind in {stat.S_IFDIR, stat.S_IFLNK}
    return Entry(path=path, kind=kind, target=target) if known else None


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
