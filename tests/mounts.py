"""Real mounts, and a file system that is as full as a test wants it."""

import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

Mount = Callable[..., None]
"""Runs `mount` with some arguments, of which the last is the place."""


def mount(*args: object) -> bool:
    """Mount something; False if that is not permitted here."""
    argv = ["mount", *map(str, args)]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def unmount(place: Path) -> None:
    """Take a mount away, even if a process still uses it."""
    subprocess.run(["umount", "--lazy", str(place)], check=True)


class SmallDisk:
    """A file system of 1 MiB."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filling = path / ".filling"

    def fill(self, free: int = 0) -> None:
        """Leave *free* pages and no more."""
        self._filling.unlink(missing_ok=True)
        status = os.statvfs(self.path)
        self._filling.write_bytes(bytes(status.f_frsize * (status.f_bfree - free)))
        assert os.statvfs(self.path).f_bfree == free

    def flood(self) -> None:
        """Take what there is, while others write, too."""
        with suppress(OSError):
            self._filling.write_bytes(bytes(64 * 2**20))

    def free(self) -> None:
        """Let there be room again."""
        self._filling.unlink()
