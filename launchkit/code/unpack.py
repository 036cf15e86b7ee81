"""Unpack a code archive, trusting nothing in it."""

import gzip
import hashlib
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from launchkit.code.survey import DEFAULT_LIMITS, PackLimits
from launchkit.errors import FetchError
from launchkit.plain_text import visible_line
from launchkit.private_files import make_folder

HEADER_BYTES = 4096
"""What the tar format may add to one entry: a header, the header of a long name, padding."""
CHUNK = 1024**2
FOLDER = 0o755
"""The program may run as another user than the agent."""


class DamagedArchive(FetchError):
    """The file is not the archive that it should be; another copy may be."""


def unpack(archive: Path, digest: str, into: Path, limits: PackLimits = DEFAULT_LIMITS) -> None:
    """Unpack *archive* into the empty directory *into*, after all of it was checked to have the
    SHA-256 *digest* when decompressed.

    :raises DamagedArchive: if it cannot be read, or has another digest; *into* is still empty.
    :raises FetchError: if it holds what must not be unpacked, or too much; names the path.
    """
    with _opened(archive) as file:
        with _reading(archive):
            _require_digest(file, archive, digest, limits)
        file.seek(0)
        with (
            _reading(archive),
            gzip.open(file) as stream,
            tarfile.open(mode="r|", fileobj=stream) as tar,
        ):
            _extract(tar, into, limits)


@contextmanager
def _opened(archive: Path) -> Iterator[BinaryIO]:
    try:
        file = archive.open("rb")
    except OSError as exc:
        raise DamagedArchive(f"{archive}: cannot be read: {exc.strerror}") from exc
    with file:
        yield file


@contextmanager
def _reading(archive: Path) -> Iterator[None]:
    try:
        yield
    except (EOFError, gzip.BadGzipFile, tarfile.TarError, zlib.error) as exc:
        raise DamagedArchive(f"{archive}: is damaged: {exc}") from exc
    except OSError as exc:
        raise FetchError(f"{exc.filename or archive}: cannot unpack: {exc.strerror}") from exc


def _require_digest(file: BinaryIO, archive: Path, digest: str, limits: PackLimits) -> None:
    most = limits.total_bytes + limits.files * HEADER_BYTES
    sha, size = hashlib.sha256(), 0
    with gzip.open(file) as stream:
        while chunk := stream.read(CHUNK):
            sha.update(chunk)
            size += len(chunk)
            if size > most:
                raise FetchError(f"{archive}: unpacks to more than {most} bytes")
    if sha.hexdigest() != digest:
        raise DamagedArchive(f"{archive}: its digest is {sha.hexdigest()}, not {digest}")


def _extract(tar: tarfile.TarFile, into: Path, limits: PackLimits) -> None:
    """Links come last, so that nothing is ever written through one."""
    links: dict[str, str] = {}
    for count, member in enumerate(tar):
        if count >= limits.files:
            raise FetchError(
                f"{visible_line(member.name)}: more than {limits.files} files and directories"
            )
        _require_inside(member.name, member.name)
        if member.issym():
            links[member.name] = member.linkname
        elif member.isdir():
            make_folder(into / member.name, FOLDER)
        elif member.isreg() and not member.issparse():
            _extract_file(tar, member, into / member.name)
        else:
            raise FetchError(
                f"{visible_line(member.name)}: is neither a file, a directory nor a symbolic link"
            )
    for path, target in links.items():
        _link(into, path, target)
    for path in links:
        if not Path(os.path.realpath(into / path)).is_relative_to(os.path.realpath(into)):
            raise FetchError(f"{visible_line(path)}: is a link out of the code directory")


def _require_inside(path: str, place: str) -> None:
    if place.startswith("/") or os.path.normpath(place).split("/")[0] == "..":
        raise FetchError(f"{visible_line(path)}: leads out of the code directory")


def _extract_file(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    data = tar.extractfile(member)
    if data is None or path.exists():
        raise FetchError(f"{visible_line(member.name)}: is in the archive twice")
    make_folder(path.parent, FOLDER)
    with path.open("xb") as file:
        shutil.copyfileobj(data, file, CHUNK)
    path.chmod(0o755 if member.mode & 0o100 else 0o644)


def _link(into: Path, path: str, target: str) -> None:
    _require_inside(path, target if target.startswith("/") else f"{path}/../{target}")
    place = into / path
    if place.parent.resolve() != (into.resolve() / path).parent:
        raise FetchError(f"{visible_line(path)}: stands behind another link")
    place.symlink_to(target)
