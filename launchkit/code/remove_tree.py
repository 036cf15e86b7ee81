"""Remove a directory tree that a run, a repository or an archive may have shaped."""

import errno
import logging
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from launchkit.plain_text import shortened
from launchkit.supervision.unmounted import NAME_ONLY, TELLS, open_unmounted

log = logging.getLogger("launchkit.remove_tree")

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_MOUNTED = "something is mounted there"
_AT_ONCE = 10_000
"""So many entries of a directory are remembered: a run may have made millions of them."""
_SHOWN = 200
"""Characters of a path in a message: a tree may be deeper than anybody wants to read."""


def remove_tree(path: Path) -> None:
    """Remove *path* with all that is in it, however deep; none is no error. Symbolic links are
    removed and never followed, other mounts are left alone. What cannot be removed is left, and a
    warning tells of the first such thing.
    """
    removal = _Removal()
    try:
        with _opened(path.parent) as removal.fd:
            removal.remove(path.name)
    except FileNotFoundError:
        return
    except OSError as exc:
        removal.leave(path.name, _told(exc))
    if removal.trouble:
        log.warning("%s cannot be removed altogether: %s", path, removal.trouble)


@dataclass(frozen=True)
class _Level:
    """A directory on the way to where the removal stands."""

    name: str
    identity: tuple[int, int]
    inner: list[str] = field(default_factory=list)
    """The directories in it that are still to be removed."""


class _Removal:
    """Goes down by name and up by `..`, so that any depth needs a few descriptors only."""

    fd: int
    """The directory where it stands."""
    trouble: str = ""
    _mount: object

    def __init__(self) -> None:
        self._way: list[_Level] = []

    def remove(self, name: str) -> None:
        """Remove *name* from the directory `fd`."""
        if not _is_directory(name, self.fd):
            os.unlink(name, dir_fd=self.fd)
            return
        self._way = [_Level("", _identity(self.fd))]
        self._mount = _mount(self.fd)
        self._down(name)
        while len(self._way) > 1:
            if self._way[-1].inner:
                self._down(self._way[-1].inner.pop())
            else:
                self._up()

    def leave(self, name: str, exc: OSError) -> None:
        """Note what could not be removed; the first such thing is told."""
        if not self.trouble:
            where = "/".join([*(level.name for level in self._way[1:]), name])
            self.trouble = f"{shortened(where, _SHOWN)!r}: {exc.strerror}"

    def _down(self, name: str) -> None:
        """Enter a directory and remove all but the directories in it."""
        try:
            fd = _open_directory(name, self.fd)
        except OSError as exc:
            self._remove_empty(name, _told(exc))
            return
        try:
            self._require_inside(fd)
            level = _Level(name, _identity(fd), self._without_files(name, fd))
        except OSError as exc:
            os.close(fd)
            self._remove_empty(name, exc)
        else:
            self._way.append(level)
            self._stand_in(fd)

    def _up(self) -> None:
        """Go back to the directory above, and remove the one that was emptied."""
        fd = os.open("..", _DIRECTORY, dir_fd=self.fd)
        if _identity(fd) != self._way[-2].identity:
            os.close(fd)
            raise OSError(errno.ESTALE, "it was moved while it was being removed")
        self._stand_in(fd)
        self._remove_empty(self._way.pop().name)

    def _stand_in(self, fd: int) -> None:
        os.dup2(fd, self.fd, inheritable=False)
        os.close(fd)

    def _require_inside(self, fd: int) -> None:
        if _mount(fd) != self._mount:
            raise OSError(errno.EXDEV, _MOUNTED)
        above = os.stat("..", dir_fd=fd)
        if (above.st_dev, above.st_ino) != self._way[-1].identity:
            raise OSError(errno.ESTALE, "it was moved while it was being removed")

    def _without_files(self, name: str, fd: int) -> list[str]:
        """Remove all but the directories in the directory *name*, and name those. A file system may
        pass over entries while others are removed, so a long one is read again as long as there are
        fewer.
        """
        before = sys.maxsize
        while True:
            inner: list[str] = []
            seen = 0
            with os.scandir(fd) as found:
                while entries := list(islice(found, _AT_ONCE)):
                    seen += len(entries)
                    inner += (
                        entry.name for entry in entries if not self._is_passed(name, fd, entry)
                    )
            if seen <= _AT_ONCE or seen >= before:
                return inner
            before = seen

    def _is_passed(self, folder: str, fd: int, entry: os.DirEntry[str]) -> bool:
        """Remove what is no directory, if that can be; tells whether it is none."""
        try:
            if entry.is_dir(follow_symlinks=False):
                return False
            os.unlink(entry.name, dir_fd=fd)
        except FileNotFoundError:
            pass
        except OSError as exc:
            self.leave(f"{folder}/{entry.name}", exc)
        return True

    def _remove_empty(self, name: str, before: OSError | None = None) -> None:
        """Remove a directory that should be empty. If it is not, *before* may tell why."""
        try:
            os.rmdir(name, dir_fd=self.fd)
        except FileNotFoundError:
            return
        except OSError as exc:
            self.leave(name, before or exc)


@contextmanager
def _opened(directory: Path) -> Iterator[int]:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield fd
    finally:
        os.close(fd)


def _told(exc: OSError) -> OSError:
    return OSError(exc.errno, _MOUNTED) if exc.errno == errno.EXDEV else exc


def _is_directory(name: str, parent: int) -> bool:
    if not TELLS:
        return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    fd = open_unmounted(name, NAME_ONLY | os.O_NOFOLLOW, within=parent)
    try:
        return stat.S_ISDIR(os.fstat(fd).st_mode)
    finally:
        os.close(fd)


def _open_directory(name: str, parent: int) -> int:
    """Open a directory such that what is in it can be removed, even if its owner may not now."""
    try:
        fd = open_unmounted(name, _DIRECTORY, within=parent)
    except PermissionError:
        # Refused by a C library that could only follow a link, or if it has become one.
        with suppress(NotImplementedError, ValueError, OSError):
            os.chmod(name, stat.S_IRWXU, dir_fd=parent, follow_symlinks=False)
        fd = open_unmounted(name, _DIRECTORY, within=parent)
    if ~os.fstat(fd).st_mode & stat.S_IRWXU:
        with suppress(PermissionError):
            os.fchmod(fd, stat.S_IRWXU)
    return fd


def _identity(fd: int) -> tuple[int, int]:
    status = os.fstat(fd)
    return status.st_dev, status.st_ino


def _mount(fd: int) -> object:
    """Which mount an open directory is on; where the system does not say, its file system."""
    try:
        text = Path(f"/proc/self/fdinfo/{fd}").read_text()
    except OSError:
        return os.fstat(fd).st_dev
    return next((line for line in text.splitlines() if line.startswith("mnt_id")), None)
