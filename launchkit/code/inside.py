"""What lies in a directory that somebody else may change meanwhile: found from the directory's own
descriptor, name by name, and never through a link, nor in what has been moved out of it.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launchkit.errors import Rejected
from launchkit.plain_text import shortened, visible_line

LONGEST_PATH = 4096
"""In bytes; no system call takes a longer one, and nobody could unpack it."""
MOST_NAMES = 2_000_000
MOST_NAME_BYTES = 64 * 1024**2
"""Of all directories that are listed, also of what is then left out: the names in a directory, and
in those around it, are remembered while it is looked through."""
_HELD = 32
"""So many directories are kept open, for what lies beside and below."""
_STEPS = 1000
"""So many directories are gone up at once: the system takes no path of more than 4096 bytes."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Inside:
    """Paths are from the root, with slashes. Each call raises OSError with the path as its file
    name, also if a part of it is a link, and Rejected if what was looked at is elsewhere by then.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        """By what name it was opened."""
        self._held = {"": os.open(root, _FOLDER)}
        self._facts = os.fstat(self._held[""])
        self._names = self._name_bytes = 0

    def names(self, folder: str) -> list[str]:
        """The names in a directory, in one order on every machine.

        :raises Rejected: if they are too much, with those of all that were listed before.
        """
        names: list[str] = []
        with self._looked(folder, folder) as place, os.scandir(place) as found:
            for entry in found:
                self._count(folder, entry.name)
                names.append(entry.name)
        return sorted(names)

    def facts(self, path: str) -> os.stat_result:
        """What is there, be it a link."""
        folder, _, name = path.rpartition("/")
        with self._looked(folder, path) as place:
            return os.stat(name, dir_fd=place, follow_symlinks=False)

    def target(self, path: str) -> str:
        """Where a link points to."""
        folder, _, name = path.rpartition("/")
        with self._looked(folder, path) as place:
            return os.readlink(name, dir_fd=place)

    def open(self, path: str) -> int:
        """A descriptor to read a file; one of a pipe does not wait, and a directory is refused."""
        folder, _, name = path.rpartition("/")
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with _named(path):
            handle = os.open(name, flags, dir_fd=self._folder(folder))
            try:
                _require_no_folder(handle)
                self.require_there(path, handle)
            except BaseException:
                os.close(handle)
                raise
            return handle

    def require_there(self, path: str, handle: int) -> None:
        """Look whether a file that was opened still stands at its path, once it has been read.

        :raises Rejected: if it does not.
        """
        try:
            is_there = os.path.samestat(self.facts(path), os.fstat(handle))
        except OSError as exc:
            raise _moved(path) from exc
        if not is_there:
            raise _moved(path)

    @contextmanager
    def _looked(self, folder: str, path: str) -> Iterator[int]:
        """A directory's descriptor, to look at *path* with. A descriptor leads to a directory
        wherever it was moved.
        """
        with _named(path):
            place = self._folder(folder)
            yield place
            depth = folder.count("/") + 1
            if folder and not os.path.samestat(_above(place, depth), self._facts):
                raise _moved(path)

    def _count(self, folder: str, name: str) -> None:
        self._names += 1
        self._name_bytes += len(os.fsencode(name))
        if self._names > MOST_NAMES or self._name_bytes > MOST_NAME_BYTES:
            raise Rejected(
                f"{visible_line(shortened(folder, 40)) or self.root}: with what is in it there are"
                f" more than {MOST_NAMES} files and directories, or their names have more than"
                f" {MOST_NAME_BYTES} bytes",
                hint="keep data outside the code, or leave out whole directories in the ignore"
                " file: what is in them is not looked at",
            )

    def _folder(self, path: str) -> int:
        missing: list[str] = []
        while path not in self._held:
            path, _, name = path.rpartition("/")
            missing.append(name)
        folder = self._held[path]
        for name in reversed(missing):
            path = f"{path}/{name}" if path else name
            folder = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            self._held[path] = folder
            if len(self._held) > _HELD:
                os.close(self._held.pop(next(held for held in self._held if held)))
        return folder

    def close(self) -> None:
        """Release what is held."""
        for folder in self._held.values():
            os.close(folder)


@contextmanager
def inside(root: Path) -> Iterator[Inside]:
    """Look into a directory for the time of the context. :raises OSError: if it is none."""
    tree = Inside(root)
    try:
        yield tree
    finally:
        tree.close()


def _require_no_folder(handle: int) -> None:
    if stat.S_ISDIR(os.fstat(handle).st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))


def _above(folder: int, steps: int) -> os.stat_result:
    """The directory that so many steps up from *folder* lead to."""
    if steps <= _STEPS:
        return os.stat("../" * steps, dir_fd=folder)
    higher = os.open("../" * _STEPS, _FOLDER, dir_fd=folder)
    try:
        return _above(higher, steps - _STEPS)
    finally:
        os.close(higher)


def _moved(path: str) -> Rejected:
    return Rejected(
        f"{visible_line(shortened(path, 40))}: it, or a directory that it is in, was moved or"
        " replaced while it was looked at",
        hint="try again when nothing changes the directory",
    )


def require_short(path: str) -> None:
    """:raises Rejected: if a path is too long for any system."""
    length = len(os.fsencode(path))
    if length > LONGEST_PATH:
        raise Rejected(
            f"{visible_line(shortened(path, 40))}: the path has {length} bytes; it may have"
            f" {LONGEST_PATH}",
            hint="the directories are nested too deep",
        )


@contextmanager
def _named(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        exc.filename = path or "."
        raise
