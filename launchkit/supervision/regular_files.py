"""Files that a run may have put something else in the place of: opened so that nothing waits, no
link is followed, no mount is looked into, and only a regular file is read or written.
"""

import errno
import os
import stat

from launchkit.supervision.unmounted import open_in_its_folder

_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_REPLACED = {
    errno.EXDEV,  # something is mounted on it
    errno.ENOTDIR,
    errno.EACCES,
    errno.EPERM,
    errno.EAGAIN,  # one has a lease on it
    errno.ETXTBSY,  # a program that runs
}


def open_regular(path: str | bytes | os.PathLike[str], flags: int = os.O_RDONLY) -> int:
    """A descriptor of a regular file.

    :raises FileNotFoundError: if there is none, or something else, or one that is not ours to open.
    :raises OSError: if the system cannot open it.
    """
    try:
        file = open_in_its_folder(path, flags | _FLAGS)
    except OSError as exc:
        if exc.errno in _REPLACED or _is_something_else(path):
            raise _none(path) from exc
        raise
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise _none(path)
    return file


def read_regular(path: str | bytes | os.PathLike[str], most: int) -> bytes:
    """At most the first *most* bytes of a regular file. :raises OSError: as `open_regular` does."""
    with os.fdopen(open_regular(path), "rb", buffering=0) as file:
        return file.read(most)


def _is_something_else(path: str | bytes | os.PathLike[str]) -> bool:
    """Whether what cannot be opened is a link, or of a kind that may give any error, such as a
    device; or stands in what is no directory but a link, which may lead anywhere, as in a circle.
    """
    try:
        return not stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return _is_link(os.path.split(path)[0])


def _is_link(path: str | bytes) -> bool:
    try:
        return stat.S_ISLNK(os.lstat(path).st_mode)
    except OSError:
        return False


def _none(path: str | bytes | os.PathLike[str]) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, "there is no regular file", os.fspath(path))
