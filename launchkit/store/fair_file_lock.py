"""A fair lock between processes: SQLite's own busy waiting lets one writer starve the others."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launchkit.store.access import access_of, keep_to


class FairFileLock:
    """Two file locks in a row. Whoever waits for the second holds the first, so one that has just
    had its turn stands behind it. The kernel frees the locks of a process that dies. Whoever names
    the database by a symbolic link stands in the same line.
    """

    def __init__(self, database: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        real = database.resolve()
        mode = access_of(database).file
        self._next = os.open(f"{real}-next", flags, mode)
        self._turn = os.open(f"{real}-turn", flags, mode)
        for lock in (self._next, self._turn):
            keep_to(lock, mode)

    def close(self) -> None:
        """Release the files."""
        os.close(self._next)
        os.close(self._turn)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and have it for the time of the context. Blocks the thread."""
        fcntl.flock(self._next, fcntl.LOCK_EX)
        try:
            fcntl.flock(self._turn, fcntl.LOCK_EX)
        finally:
            fcntl.flock(self._next, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(self._turn, fcntl.LOCK_UN)
