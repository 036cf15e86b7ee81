"""A fair lock between processes: SQLite's own busy waiting lets one writer starve the others."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from launchkit.store.access import access_of, keep_to
from launchkit.store.one_name import require_own

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
NOTE = 64
"""Bytes of the note that says who has the turn."""


@dataclass(frozen=True)
class Holder:
    """The process that has the turn."""

    pid: int
    since: float
    """Unix time."""

    def __str__(self) -> str:
        """In words, for one who waits."""
        stopped = ", and is stopped" if _is_stopped(self.pid) else ""
        seconds = max(0.0, time.time() - self.since)
        return f"process {self.pid} has its turn to write, since {seconds:.0f} s{stopped}"


class FairFileLock:
    """Two file locks in a row. Whoever waits for the second holds the first, so one that has just
    had its turn stands behind it. The kernel frees the locks of a process that dies. Whoever names
    the database by a symbolic link stands in the same line.

    :raises ConfigError: if somebody has put a link in the place of one.
    """

    def __init__(self, database: Path) -> None:
        real = database.resolve()
        mode = access_of(database).file
        self._next = _opened(real.with_name(f"{real.name}-next"), mode)
        try:
            self._turn = _opened(real.with_name(f"{real.name}-turn"), mode)
        except BaseException:
            os.close(self._next)
            raise

    def close(self) -> None:
        """Release the files."""
        os.close(self._next)
        os.close(self._turn)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and have it for the time of the context. Blocks the thread."""
        _take(self._next)
        try:
            _take(self._turn)
        finally:
            fcntl.flock(self._next, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(self._turn, fcntl.LOCK_UN)


def _opened(path: Path, mode: int) -> int:
    with suppress(FileNotFoundError):
        require_own(path, path.lstat())
    lock = os.open(path, _FLAGS, mode)
    try:
        require_own(path, os.fstat(lock))
        keep_to(lock, mode)
    except BaseException:
        os.close(lock)
        raise
    return lock


def _take(lock: int) -> None:
    """Wait for it, and note who has it; a full disk is no reason not to have it."""
    fcntl.flock(lock, fcntl.LOCK_EX)
    with suppress(OSError):
        os.pwrite(lock, f"{os.getpid()} {time.time():.3f}\n".encode().ljust(NOTE), 0)


def holder_of(database: Path) -> Holder | None:
    """Who has the turn to write now, or is next; None if nobody is, or it cannot be told."""
    return _noted(f"{database}-turn") or _noted(f"{database}-next")


def _noted(path: str) -> Holder | None:
    try:
        lock = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        words = os.pread(lock, NOTE, 0).split()
        return Holder(int(words[0]), float(words[1])) if len(words) == 2 else None
    else:
        return None
    finally:
        os.close(lock)


def _is_stopped(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[:1] == ["T"]
