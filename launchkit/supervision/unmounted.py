"""Opens what a directory holds, and nothing that is mounted in its place: a file system that a run
has mounted may answer anything, or never. The kernel tells of it without asking it, since Linux
5.6: see https://man7.org/linux/man-pages/man2/openat2.2.html.
"""

import ctypes
import errno
import os

HERE = -100
"""The working directory, in the place of the descriptor of another."""
NAME_ONLY = getattr(os, "O_PATH", 0)
"""Opens the name alone, and waits for nothing: of Linux."""
_OPENAT2, _NO_XDEV = 437, 0x01
_syscall = ctypes.CDLL(None, use_errno=True).syscall
_syscall.argtypes = (
    *(ctypes.c_long, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t),
)
_syscall.restype = ctypes.c_long


def open_unmounted(
    name: str | bytes | os.PathLike[str], flags: int, mode: int = 0o600, *, within: int = HERE
) -> int:
    """As `os.open` of one name in the directory *within*, given as a descriptor.

    :raises OSError: as `os.open` does; with the number `EXDEV` if something is mounted there.
    """
    flags |= os.O_CLOEXEC
    if not TELLS:
        return os.open(name, flags, mode, dir_fd=None if within == HERE else within)
    path = os.fsencode(name)
    how = (ctypes.c_uint64 * 3)(flags, mode if flags & os.O_CREAT else 0, _NO_XDEV)
    while (file := _openat2(within, path, how)) < 0:
        number = ctypes.get_errno()
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number), os.fspath(name))
    return file


def open_in_its_folder(path: str | bytes | os.PathLike[str], flags: int) -> int:
    """The same of a path, which is followed to the directory that holds its last name."""
    folder, name = os.path.split(os.fspath(path))
    if not folder:
        return open_unmounted(name, flags)
    within = os.open(folder, NAME_ONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return open_unmounted(name, flags, within=within)
    finally:
        os.close(within)


def is_there(path: str | bytes | os.PathLike[str]) -> bool:
    """Whether there is something of that name, be it a link that leads nowhere or a mount."""
    if not TELLS:
        return os.path.lexists(path)
    try:
        os.close(open_in_its_folder(path, NAME_ONLY | os.O_NOFOLLOW))
    except OSError as exc:
        return exc.errno == errno.EXDEV
    return True


def _openat2(within: int, path: bytes, how: ctypes.Array[ctypes.c_uint64]) -> int:
    return int(_syscall(_OPENAT2, within, path, ctypes.byref(how), ctypes.sizeof(how)))


def _is_known() -> bool:
    """Whether this system can open a file so."""
    if not NAME_ONLY:
        return False
    how = (ctypes.c_uint64 * 3)(NAME_ONLY | os.O_CLOEXEC, 0, _NO_XDEV)
    file = _openat2(HERE, b".", how)
    if file >= 0:
        os.close(file)
    return file >= 0


TELLS = _is_known()
"""Whether the kernel tells."""
