"""Code as pieces that fit into secrets."""

import gzip
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from launchkit.code.tree_tar import tree_tar
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
    try:
        with gzip.GzipFile(fileobj=archive, mode="wb", mtime=0) as zipped:
            for chunk in tree_tar(code):
                zipped.write(chunk)
    except OSError as exc:
        where = exc.filename or code
        raise LaunchError(f"cannot pack the code: {where}: {exc.strerror or exc}") from exc
    data = archive.getvalue()
    return PackedCode(
        [data[start : start + PIECE_BYTES] for start in range(0, len(data), PIECE_BYTES)]
    )


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
