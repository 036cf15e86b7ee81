"""Which agents of this machine live: each holds a file lock, freed by the kernel when it dies."""

import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from launchkit.errors import Conflict

TRIES = 20
TRY_SECONDS = 0.05


@asynccontextmanager
async def hold_presence(folder: Path, name: str) -> AsyncIterator[None]:
    """Hold the lock of agent *name* for the time of the context.

    :raises Conflict: if a living agent has it.
    """
    await anyio.Path(folder).mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.lock"
    lock = await _patiently(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(lock)


def reap_dead_agents(folder: Path) -> list[str]:
    """The names of agents that died here without a word; each is named once."""
    dead = []
    for path in sorted(folder.glob("*.lock")):
        lock = _lock(path, create=False)
        if lock is not None:
            path.unlink(missing_ok=True)
            os.close(lock)
            dead.append(path.stem)
    return dead


async def _patiently(path: Path) -> int:
    """Take a lock that may be tried by another agent's `reap_dead_agents` for a moment."""
    for _ in range(TRIES):
        lock = _lock(path, create=True)
        if lock is not None:
            return lock
        await anyio.sleep(TRY_SECONDS)
    raise Conflict(
        f"an agent named {path.stem!r} runs on this machine already",
        hint="give this one another name in launch-config.yaml, or leave the name out",
    )


def _lock(path: Path, *, create: bool) -> int | None:
    """An open file with its lock; None if somebody else has it, or it is gone."""
    flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
    try:
        lock = os.open(path, flags, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(lock).st_ino:
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass  # held, or removed between open and lock
    os.close(lock)
    return None
