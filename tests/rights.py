"""Files that may not be read, also where the tests run as root, who may read all."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from launchkit import daemon_thread

_VERSION = 0x20080522
_OVER_FILES = 1 << 1 | 1 << 2
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""


class _Whose(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("thread", ctypes.c_int))


class _Rights(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable"))


@contextmanager
def like_others() -> Iterator[None]:
    """Let the modes of files count for this thread and those that it starts, as for any user."""
    libc = ctypes.CDLL(None, use_errno=True)
    whose, rights = ctypes.byref(_Whose(_VERSION, 0)), (_Rights * 2)()

    def call(function: str) -> None:
        if getattr(libc, function)(whose, rights):
            raise OSError(ctypes.get_errno(), function)

    call("capget")
    before = rights[0].effective
    rights[0].effective = before & ~_OVER_FILES
    call("capset")
    try:
        # rights are those of a thread, and threads that are kept have those of before
        with patch.object(daemon_thread, "_threads", daemon_thread._Threads()):
            yield
    finally:
        rights[0].effective = before
        call("capset")
