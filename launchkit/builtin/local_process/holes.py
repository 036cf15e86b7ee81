"""Where a full disk may have swallowed what a run printed, its output says so."""

import os
from pathlib import Path

from launchkit.supervision.regular_files import open_regular

NOTE = (
    "launchkit: the disk was full here: what was printed until there was room again may be missing,"
    " and nobody knows how much\n"
)


class Holes:
    """Looks at the disk with the file *log* while it is followed."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self.full = False
        """Whether there was no room when it was last looked at."""
        self._noted_at: int | None = None
        """How long the output was after the last note: where nothing followed it, one will do."""

    def look(self) -> None:
        """Look once; when there is room again, note in the output that there was none."""
        full = _is_full(self._log.parent)
        if self.full and not full and _size(self._log) != self._noted_at:
            full = not self._noted()
        self.full = full

    def last_words(self, offset: int) -> bytes:
        """What is to stand at the end of the output, *offset*, if there is no room for it still."""
        if not self.full or offset != _size(self._log) or offset == self._noted_at:
            return b""
        return b"\n" * _within_a_line(self._log) + NOTE.encode()

    def _noted(self) -> bool:
        try:
            log = open_regular(self._log, os.O_WRONLY | os.O_APPEND)
            with os.fdopen(log, "ab", buffering=0) as file:
                file.write(b"\n" * _within_a_line(self._log) + NOTE.encode())
        except OSError:  # it is full once more, or no file any more
            return False
        self._noted_at = _size(self._log)
        return True


def _within_a_line(log: Path) -> bool:
    with os.fdopen(open_regular(log), "rb", buffering=0) as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _is_full(folder: Path) -> bool:
    try:
        disk = os.statvfs(folder)
    except OSError:
        return False
    return (disk.f_bavail if os.geteuid() else disk.f_bfree) == 0


def _size(log: Path) -> int | None:
    try:
        with os.fdopen(open_regular(log), "rb", buffering=0) as file:
            return os.fstat(file.fileno()).st_size
    except OSError:
        return None
