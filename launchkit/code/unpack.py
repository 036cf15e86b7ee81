"""Unpack a code archive, trusting nothing in it."""

import gzip
import hashlib
import os
import tarfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from launchkit.code.gzip_stream import unzipped
from launchkit.code.inside import LONGEST_PATH
from launchkit.code.links import Links, links_below
from launchkit.code.survey import DEFAULT_LIMITS, PackLimits
from launchkit.code.tar_reader import FILES, TarReader
from launchkit.code.threads import go_on
from launchkit.errors import FetchError, Rejected
from launchkit.plain_text import shortened, visible_line
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
    SHA-256 *digest* when decompressed. It ends when who waits for it is cancelled.

    :raises DamagedArchive: if it cannot be read, or has another digest; *into* is still empty.
    :raises FetchError: if it holds what must not be unpacked, or too much; names the path.
    """
    with _opened(archive) as file:
        with _reading(archive):
            _require_digest(file, archive, digest, limits)
        file.seek(0)
        with _reading(archive), unzipped(file) as stream:
            _extract(TarReader(stream), into, limits)


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
        where = visible_line(str(exc.filename or archive))
        raise FetchError(f"{where}: cannot unpack: {exc.strerror}") from exc


def _require_digest(file: BinaryIO, archive: Path, digest: str, limits: PackLimits) -> None:
    most = limits.total_bytes + limits.files * HEADER_BYTES
    sha, size = hashlib.sha256(), 0
    with unzipped(file) as stream:
        while chunk := stream.read(CHUNK):
            sha.update(chunk)
            size += len(chunk)
            if size > most:
                raise FetchError(f"{archive}: unpacks to more than {most} bytes")
    if sha.hexdigest() != digest:
        raise DamagedArchive(f"{archive}: its digest is {sha.hexdigest()}, not {digest}")


def _extract(tar: TarReader, into: Path, limits: PackLimits) -> None:
    """Links come last, so that nothing is ever written through one."""
    links: dict[str, str] = {}
    made = _Made(into, limits)
    for member in tar:
        path = member.name
        _require_name(path, member.linkname)
        _require_inside(path, path)
        if member.issym():
            made.add(path, member.linkname)
            links[path] = member.linkname
        elif member.isdir():
            if path in made.folders:
                made.add(path)  # one that comes again and again costs time, too
            made.folder(path)
        elif member.type in FILES:
            made.folder(os.path.dirname(path))  # noqa: PTH120 - the text, as it came
            made.add(path)
            _extract_file(tar, member, into / path)
        else:
            raise FetchError(
                f"{visible_line(path)}: is neither a file, a directory nor a symbolic link"
            )
    for path, target in links.items():
        go_on()
        _link(into, path, target, made.folders)
    _require_links(Links(links_below(into)), links)


class _Made:
    """What was made so far: directories that have no entry of their own count, too, and those that
    have several count as often.
    """

    def __init__(self, into: Path, limits: PackLimits) -> None:
        self._into = into
        self._limits = limits
        self._count = 0
        self._path_bytes = 0
        self.folders = {"", "."}

    def add(self, path: str, target: str = "") -> None:
        """:raises FetchError: if it is too much."""
        most, longest = self._limits.files, self._limits.path_bytes
        self._count += 1
        if self._count > most:
            raise FetchError(f"{visible_line(path)}: more than {most} files and directories")
        self._path_bytes += len(os.fsencode(path)) + len(os.fsencode(target))
        if self._path_bytes > longest:
            raise FetchError(
                f"{visible_line(shortened(path, 40))}: with it the paths in the code, and where its"
                f" links lead to, have more than {longest} bytes"
            )

    def folder(self, path: str) -> None:
        """Make a directory and those above it that are missing."""
        missing = []
        while path not in self.folders:
            missing.append(path)
            path = os.path.dirname(path)  # noqa: PTH120 - the text, as it came
        for one in reversed(missing):
            self.add(one)
            make_folder(self._into / one, FOLDER)
            self.folders.add(one)


def _require_name(path: str, target: str) -> None:
    for text in (path, target):
        if "\0" in text or len(os.fsencode(text)) > LONGEST_PATH:
            raise FetchError(f"{visible_line(text)}: cannot unpack: no file can have that name")


def _require_inside(path: str, place: str) -> None:
    if place.startswith("/") or os.path.normpath(place).split("/")[0] == "..":
        raise FetchError(f"{visible_line(path)}: leads out of the code directory")


def _extract_file(tar: TarReader, member: tarfile.TarInfo, path: Path) -> None:
    if path.exists():
        raise FetchError(f"{visible_line(member.name)}: is in the archive twice")
    with path.open("xb") as file:
        for data in tar.content():
            file.write(data)
    path.chmod(0o755 if member.mode & 0o100 else 0o644)


def _require_links(below: Links, links: Mapping[str, str]) -> None:
    for path, target in links.items():
        go_on()
        try:
            leads_out = below.lead_out(os.path.normpath(path), target)
        except Rejected as exc:
            raise FetchError(exc.message, hint=exc.hint) from exc
        if leads_out:
            raise FetchError(f"{visible_line(path)}: is a link out of the code directory")


def _link(into: Path, path: str, target: str, folders: Collection[str]) -> None:
    _require_inside(path, target if target.startswith("/") else f"{path}/../{target}")
    if os.path.dirname(path) not in folders:  # noqa: PTH120 - the text, as it came
        raise FetchError(f"{visible_line(path)}: stands behind another link, or in no directory")
    (into / path).symlink_to(target)
