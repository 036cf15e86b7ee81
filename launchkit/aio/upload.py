"""What environments share that upload a file of this machine in parts."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import anyio
from anyio.to_thread import run_sync

from launchkit.errors import LaunchError

T = TypeVar("T")

WHOLE_SECONDS = 90.0


@dataclass(frozen=True)
class OpenFile:
    """A file that is read beside the loop, at any place."""

    path: Path
    size: int
    _file: int

    async def read(self, start: int, length: int) -> bytes:
        """The part that begins at *start*; the last one may be shorter.

        :raises LaunchError: if it cannot be read, or is not there any more.
        """
        wanted = min(length, self.size - start)
        data = await _reading(self.path, lambda: os.pread(self._file, wanted, start))
        if len(data) != wanted:
            raise LaunchError(f"{self.path}: it became shorter while it was uploaded")
        return data


@asynccontextmanager
async def open_file(path: Path) -> AsyncIterator[OpenFile]:
    """Open a file for the time of the context. :raises LaunchError: if it cannot be read."""
    file = await _reading(path, lambda: os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    try:
        size = await _reading(path, lambda: os.fstat(file).st_size)
        yield OpenFile(path, size, file)
    finally:
        os.close(file)


@contextmanager
def whole() -> Iterator[None]:
    """Hold a cancellation back: what a service has got it writes, also when nobody waits any more.

    :raises TimeoutError: if it takes too long.
    """
    with anyio.CancelScope(shield=True) as scope:
        scope.deadline = anyio.current_time() + WHOLE_SECONDS
        yield
    if scope.cancelled_caught:
        raise TimeoutError(f"it does not answer within {WHOLE_SECONDS:g} s")


async def _reading(path: Path, act: Callable[[], T]) -> T:
    try:
        return await run_sync(act)
    except OSError as exc:
        raise LaunchError(f"{path}: cannot be read: {exc.strerror}") from exc
