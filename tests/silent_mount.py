"""A file system that never answers, as who may mount can put in the place of any directory."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mounts import unmount

_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def silent(place: Path) -> Iterator[bool]:
    """Mount one on a directory for the time of the context; False if that is not permitted here.
    What asks it is let go in the end.
    """
    try:
        device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
    arguments = (b"silent", os.fsencode(place), b"fuse", ctypes.c_ulong(0), options.encode())
    mounted = _libc.mount(*arguments) == 0
    try:
        yield mounted
    finally:
        os.close(device)  # all that waits for an answer gets an error
        if mounted:
            unmount(place)
