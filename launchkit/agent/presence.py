"""Which agents of this machine live: each holds a file lock, freed by the kernel when it dies."""

import fcntl
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from launchkit.errors import Conflict
from launchkit.private_files import make_folder

TRIES = 20
TRY_SECONDS = 0.05
REAPED = 1
"""The size of a file whose lock is held for an agent that is dead; that of one that lives is 0."""


@asynccontextmanager
async def hold_presence(folder: Path, name: str) -> AsyncIterator[None]:
    """Hold the lock of agent *name* for the time of the context.

    :raises Conflict: if a living agent has it.
    """
    await anyio.to_thread.run_sync(make_folder, folder)
    path = folder / f"{name}.lock"
    lock = await _patiently(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(lock)


async def reap_dead_agents(folder: Path, reap: Callable[[str], Awaitable[None]]) -> None:
    """Do *reap* for each agent that died here without a word. One for which it fails is found again
    by who looks next; one that is started anew under its name waits until it is over.
    """
    for path in await anyio.to_thread.run_sync(lambda: sorted(folder.glob("*.lock"))):
        lock = _lock(path, create=False)
        if lock is None:
            continue
        try:
            os.ftruncate(lock, REAPED)
            await reap(path.stem)
            path.unlink(missing_ok=True)
        finally:
            os.close(lock)


async def _patiently(path: Path) -> int:
    """Take a lock that may be tried by another agent's `reap_dead_agents` for a moment, or held by
    it for as long as that takes.
    """
    tries = 0
    while tries < TRIES:
        lock = _lock(path, create=True)
        if lock is not None:
            os.ftruncate(lock, 0)
            return lock
        tries += not _is_reaped(path)
        await anyio.sleep(TRY_SECONDS)
    raise Conflict(
        f"an agent named {path.stem!r} runs on this machine already",
        hint="give this one another name in launch-config.yaml, or leave the name out",
    )


def _is_reaped(path: Path) -> bool:
    try:
        return path.stat().st_size == REAPED
    except FileNotFoundError:
        return False


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
