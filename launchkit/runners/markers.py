"""Durable marks beside runs: small files that survive the agent, and a power cut."""

import hashlib
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from anyio.to_thread import run_sync

from launchkit.errors import LaunchError
from launchkit.private_files import begin_file, make_folder

MAX_NOTE = 4096
_MARK = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}", re.ASCII)
_ASIDE = ".new-"


@dataclass(frozen=True)
class Markers:
    """Marks such as `cancelled` and `over`, each for a run's name; in files of one directory.

    The files are named after runs whose name is letters, digits, dots, dashes and underscores, and
    after a digest of all other names: no path is made of a foreign text. A mark is a word of small
    letters, digits and dashes, which the runner's author chooses.

    Each call raises LaunchError if the disk is full or the directory cannot be used.
    """

    folder: Path
    clock: Callable[[], float] = time.time
    """Unix time, for `prune`."""

    async def set(self, name: str, mark: str, note: bytes = b"") -> None:
        """Give a run a mark, with at most 4096 bytes beside it; on the disk when this returns."""
        if len(note) > MAX_NOTE:
            raise ValueError(f"a note of {len(note)} bytes beside a mark")
        await run_sync(self._set, self._path(name, mark), note)

    async def has(self, name: str, mark: str) -> bool:
        """Whether a run has a mark."""
        return await self.note(name, mark) is not None

    async def note(self, name: str, mark: str) -> bytes | None:
        """What stands beside a run's mark; None if it has none."""
        return await run_sync(self._read, self._path(name, mark))

    async def clear(self, name: str, mark: str) -> None:
        """Take a mark away; none is no error."""
        await run_sync(self._clear, self._path(name, mark))

    async def prune(self, older_than: float) -> None:
        """Take away all marks that were set more than so many seconds ago."""
        await run_sync(self._prune, self.clock() - older_than)

    def _path(self, name: str, mark: str) -> Path:
        if not _MARK.fullmatch(mark):
            raise ValueError(f"{mark!r} is no mark")
        if not _SAFE.fullmatch(name):
            name = "@" + hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
        return self.folder / f"{name}.{mark}"

    def _set(self, path: Path, note: bytes) -> None:
        aside = self.folder / f"{_ASIDE}{secrets.token_hex(8)}"
        with _explained(path):
            if not self.folder.is_dir():
                make_folder(self.folder)
                _sync(self.folder.parent)
            try:
                begin_file(aside)
                aside.write_bytes(note)
                _sync(aside)
                aside.replace(path)
            finally:
                aside.unlink(missing_ok=True)
            _sync(self.folder)

    def _read(self, path: Path) -> bytes | None:
        with _explained(path):
            try:
                with path.open("rb") as file:
                    return file.read(MAX_NOTE)
            except FileNotFoundError:
                return None

    def _clear(self, path: Path) -> None:
        with _explained(path), suppress(FileNotFoundError):
            path.unlink()
            _sync(self.folder)

    def _prune(self, before: float) -> None:
        with _explained(self.folder), suppress(FileNotFoundError):
            for path in self.folder.iterdir():
                with suppress(FileNotFoundError):  # somebody else has taken it away
                    if path.stat().st_mtime < before:
                        path.unlink()


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise LaunchError(
            f"{path}: a mark beside a run cannot be kept or read: {exc.strerror or exc}",
            hint="is the disk full, or the agent's state directory not writable?",
        ) from exc
