"""Which agents of this machine live: each holds a file lock, freed by the kernel when it dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launchkit.errors import Conflict


@contextmanager
def present(folder: Path, name: str) -> Iterator[None]:
    """Hold the lock of agent *name* for the time of the context.

    :raises Conflict: if a living agent has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.lock"
    lock = _lock(path)
    if lock is None:
        raise Conflict(
            f"an agent named {name!r} runs on this machine already",
            hint="give this one another name in launch-config.yaml, or leave the name out",
        )
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(lock)


def bury(folder: Path) -> list[str]:
    """The names of agents that died here without a word; each is named once."""
    dead = []
    for path in sorted(folder.glob("*.lock")):
        lock = _lock(path, create=False)
        if lock is not None:
            path.unlink(missing_ok=True)
            os.close(lock)
            dead.append(path.stem)
    return dead


def _lock(path: Path, *, create: bool = True) -> int | None:
    """An open file with its lock; None if somebody else has it, or it is gone."""
    flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
    while True:
        try:
            lock = os.open(path, flags, 0o600)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and path.stat().st_ino == os.fstat(lock).st_ino:
                return lock
        except BlockingIOError:
            os.close(lock)
            return None
        os.close(lock)  # removed between open and lock
        if not create:
            return None
