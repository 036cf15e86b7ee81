"""Files that a run may have put something else in the place of: opened so that nothing waits, no
link is followed, and only a regular file is read or written.
"""

import errno
import os
import stat

_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_REPLACED = {
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ELOOP,  # a link
    errno.ENXIO,  # a pipe that nobody reads, a socket, or a device without a driver
    errno.EACCES,
    errno.EAGAIN,  # one has a lease on it
}


def open_regular(path: str | bytes | os.PathLike[str], flags: int = os.O_RDONLY) -> int:
    """A descriptor of a regular file.

    :raises FileNotFoundError: if there is none, or something else, or one that is not ours to open.
    :raises OSError: if the system cannot open it.
    """
    try:
        file = os.open(path, flags | _FLAGS, 0o600)
    except OSError as exc:
        if exc.errno in _REPLACED:
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


def _none(path: str | bytes | os.PathLike[str]) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, "there is no regular file", os.fspath(path))
