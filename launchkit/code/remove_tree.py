"""Remove a directory tree that a run, a repository or an archive may have shaped."""

import errno
import logging
import os
import stat
import sys
from array import array
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from launchkit.plain_text import shortened
from launchkit.supervision.unmounted import NAME_ONLY, TELLS, open_unmounted

log = logging.getLogger("launchkit.remove_tree")

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_MOUNTED = "something is mounted there"
_AT_ONCE = 10_000
"""So many entries of a directory are remembered: a run may have made millions of them."""
_REMEMBERED = 20_000
"""So many directories on the way and in them are, together."""
_NONE = -sys.maxsize - 1
"""Below the hash of any name."""
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


@dataclass(slots=True)
class _Level:
    """A directory on the way to where the removal stands, as long as it is remembered."""

    name: str
    inner: list[str]
    """The first of the directories in it that are still to be removed, the first at the end."""
    are_more: bool
    """There are others after those, for which it is read again."""


class _Removal:
    """Goes down by name and up by `..`, so that any depth needs a few descriptors only.

    Directories are gone through in the order of the hashes of their names, as one that is read
    again, because not all that is in it was remembered, says nothing of where it was left.
    """

    fd: int
    """The directory where it stands."""
    trouble: str = ""
    _mount: object
    _tree: str
    _forgotten: str
    """How a directory is told whose way from the tree is not remembered."""

    def __init__(self) -> None:
        self._way = array("Q")
        """Device and inode of each directory down to where it stands, from that around the tree."""
        self._begun = array("q")
        """Up to which hash the directories in each of those of the tree were entered."""
        self._near: deque[_Level] = deque()
        """The last of those of the tree; those above are read again when it is back there."""
        self._remembered = 0

    def remove(self, name: str) -> None:
        """Remove *name* from the directory `fd`."""
        if not _is_directory(name, self.fd):
            os.unlink(name, dir_fd=self.fd)
            return
        self._tree = name
        self._forgotten = f"{name}/…"
        self._way.extend(_identity(self.fd))
        self._mount = _mount(self.fd)
        self._down(name)
        while self._begun:
            if not self._near:
                name = self._tree if len(self._begun) == 1 else self._forgotten
                self._remember(self._without_files(name, self.fd, self._begun[-1]))
            level = self._near[-1]
            if level.inner:
                inner = level.inner.pop()
                self._remembered -= 1
                self._begun[-1] = hash(inner)
                self._down(inner)
            elif level.are_more:
                self._forget(self._near.pop())
                self._remember(self._without_files(level.name, self.fd, self._begun[-1]))
            else:
                self._up()

    def leave(self, name: str, exc: OSError) -> None:
        """Note what could not be removed; the first such thing is told."""
        if not self.trouble:
            where = "/".join([*(level.name for level in self._near), name])
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
            identity = _identity(fd)
            level = self._without_files(name, fd, _NONE)
        except OSError as exc:
            os.close(fd)
            self._remove_empty(name, exc)
        else:
            self._way.extend(identity)
            self._begun.append(_NONE)
            self._remember(level)
            self._stand_in(fd)

    def _up(self) -> None:
        """Go back to the directory above, and remove the one that was emptied."""
        fd = os.open("..", _DIRECTORY, dir_fd=self.fd)
        if _identity(fd) != tuple(self._way[-4:-2]):
            os.close(fd)
            raise OSError(errno.ESTALE, "it was moved while it was being removed")
        self._stand_in(fd)
        del self._way[-2:]
        self._begun.pop()
        emptied = self._near.pop()
        self._forget(emptied)
        if self._near or not self._begun:  # otherwise it is removed as that above is read again
            self._remove_empty(emptied.name)

    def _remember(self, level: _Level) -> None:
        self._near.append(level)
        self._remembered += 1 + len(level.inner)
        while self._remembered > _REMEMBERED and len(self._near) > 1:
            self._forget(self._near.popleft())
            self._near[0].name = self._forgotten

    def _forget(self, level: _Level) -> None:
        self._remembered -= 1 + len(level.inner)

    def _stand_in(self, fd: int) -> None:
        os.dup2(fd, self.fd, inheritable=False)
        os.close(fd)

    def _require_inside(self, fd: int) -> None:
        if _mount(fd) != self._mount:
            raise OSError(errno.EXDEV, _MOUNTED)
        above = os.stat("..", dir_fd=fd)
        if (above.st_dev, above.st_ino) != tuple(self._way[-2:]):
            raise OSError(errno.ESTALE, "it was moved while it was being removed")

    def _without_files(self, name: str, fd: int, begun: int) -> _Level:
        """Remove all but the directories in the directory *name*, and those that are empty; gives
        the first others after the hash *begun*. A file system may pass over entries while others
        are removed, so a long one is read again as long as there are fewer.
        """
        before = sys.maxsize
        while True:
            level = _Level(name, [], are_more=False)
            last = sys.maxsize
            seen = gone = 0
            with os.scandir(fd) as found:
                while entries := list(islice(found, _AT_ONCE)):
                    seen += len(entries)
                    left = [
                        entry for entry in entries if not self._is_passed(name, fd, entry, begun)
                    ]
                    gone += len(entries) - len(left)
                    level.inner += (
                        entry.name for entry in left if begun < hash(entry.name) <= last
                    )
                    level.inner.sort(key=hash, reverse=True)
                    if len(level.inner) > _AT_ONCE:
                        del level.inner[:-_AT_ONCE]
                        level.are_more = True
                        last = hash(level.inner[0])
            if not gone or seen <= _AT_ONCE or seen >= before:
                return level
            before = seen

    def _is_passed(self, folder: str, fd: int, entry: os.DirEntry[str], begun: int) -> bool:
        """Remove what is no directory with something in it, if that can be; tells whether it is
        none that is still to be entered.
        """
        is_directory = False
        try:
            is_directory = entry.is_dir(follow_symlinks=False)
            if not is_directory:
                os.unlink(entry.name, dir_fd=fd)
            elif begun == _NONE or hash(entry.name) <= begun:
                os.rmdir(entry.name, dir_fd=fd)
            else:
                return False
        except FileNotFoundError:
            pass
        except OSError as exc:
            if is_directory and begun == _NONE:
                return False
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
        with open(f"/proc/self/fdinfo/{fd}") as file:  # noqa: PTH123 - Python keeps parts of a Path
            text = file.read()
    except OSError:
        return os.fstat(fd).st_dev
    return next((line for line in text.splitlines() if line.startswith("mnt_id")), None)
