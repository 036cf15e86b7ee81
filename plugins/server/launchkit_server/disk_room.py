"""Disks without room: no mistake of the settings, and there may be some soon."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from launchkit.errors import Unreachable

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
HINT = "free some disk space; what waits is tried again"


@contextmanager
def room_for(what: str) -> Iterator[None]:
    """Say what was being written when a disk or a quota is full.

    :raises Unreachable: if one is; other errors pass.
    """
    try:
        yield
    except OSError as exc:
        if exc.errno not in FULL:
            raise
        raise Unreachable(f"{what}: {exc.strerror}", hint=HINT) from exc
