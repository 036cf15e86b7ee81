"""Pack a code directory so that equal code has an equal digest, on any machine, at any time."""

import gzip
import hashlib
from pathlib import Path

from launchkit.code.inside import Inside
from launchkit.code.survey import DEFAULT_LIMITS, Entry, PackLimits, code_in, survey
from launchkit.code.tar_stream import tar_chunks, tar_end
from launchkit.errors import LaunchError
from launchkit.model import ArchiveSource


def pack(root: Path, into: Path, limits: PackLimits = DEFAULT_LIMITS) -> ArchiveSource:
    """Write a gzipped tar of the directory *root* to the file *into*.

    Owners, times and all permissions but "executable" are left out of it. `survey` tells which
    files are taken.

    :raises Rejected: if something in it cannot be packed, or it is too much; names the path.
    :raises LaunchError: if *into* cannot be written.
    """
    with code_in(root) as tree:
        entries = survey(tree, limits)
        try:
            digest = _write(tree, entries, into)
        except BaseException as exc:
            into.unlink(missing_ok=True)
            if isinstance(exc, OSError):
                raise LaunchError(f"cannot pack {root} into {into}: {exc.strerror or exc}") from exc
            raise
    return ArchiveSource(
        digest=digest, size=into.stat().st_size, name=root.resolve().name or "code"
    )


def _write(tree: Inside, entries: list[Entry], into: Path) -> str:
    sha, size = hashlib.sha256(), 0
    with (
        into.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0) as packed,
    ):
        for chunk in tar_chunks(tree, entries, ".launchkitignore"):
            size += len(chunk)
            sha.update(chunk)
            packed.write(chunk)
        end = tar_end(size)
        sha.update(end)
        packed.write(end)
    return sha.hexdigest()
