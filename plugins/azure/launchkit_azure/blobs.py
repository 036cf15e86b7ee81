"""Files in Blob Storage: one request for a small one, several blocks at once for a large one."""

import hashlib
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import anyio
from anyio.to_thread import run_sync

from launchkit.errors import LaunchError, unwrapped
from launchkit_azure.blob_address import BlobAddress
from launchkit_azure.errors import AzureRefused, explained

T = TypeVar("T")

SMALL = 1 << 20
"""What the library sends in one piece holds the event loop up for as long."""
BLOCK = 8 << 20
MOST_BLOCKS = 45_000
"""Of a file that is so large that its blocks are; Blob Storage takes 50,000."""
AT_ONCE = 4
WHOLE_SECONDS = 90.0
TRIES = 8
"""So many uploads of different files to one address may be under way: each that ends throws the
blocks of the others away, once.
"""


async def upload(service: Any, source: Path, address: BlobAddress) -> None:
    """Copy a file; Blob Storage shows all of it or nothing.

    :raises LaunchError: if the file cannot be read, or Blob Storage does not take it.
    """
    what = f"Blob Storage: cannot upload {source} to {address}"
    file = await _reading(source, lambda: os.open(source, os.O_RDONLY | os.O_CLOEXEC))
    try:
        size = await _reading(source, lambda: os.fstat(file).st_size)
        blob = service.get_blob_client(**address.target)
        if size <= SMALL:
            data = await _reading(source, lambda: os.pread(file, size, 0))
            with explained(what), _whole():
                await blob.upload_blob(data, length=len(data), overwrite=True)
        else:
            await _in_blocks(blob, _Source(source, file, size), what)
    finally:
        os.close(file)


async def remove(service: Any, address: BlobAddress) -> None:
    """Remove a file; none is no error. :raises AzureError: if Blob Storage does not do it."""
    try:
        with explained(f"Blob Storage: cannot remove {address}"):
            blob = service.get_blob_client(**address.target)
            await blob.delete_blob(delete_snapshots="include")
    except AzureRefused as exc:
        if not exc.not_found:
            raise


@dataclass(frozen=True)
class _Source:
    path: Path
    file: int
    size: int

    @property
    def block(self) -> int:
        """The size of its blocks."""
        return max(BLOCK, -(-self.size // MOST_BLOCKS))

    async def read(self, start: int) -> bytes:
        """The block that begins there."""
        wanted = min(self.block, self.size - start)
        data = await _reading(self.path, lambda: os.pread(self.file, wanted, start))
        if len(data) != wanted:
            raise LaunchError(f"{self.path}: it became shorter while it was uploaded")
        return data


async def _in_blocks(blob: Any, source: _Source, what: str) -> None:
    """Who else uploads there ends this one's blocks with his own, unless they are the same."""
    for left in reversed(range(TRIES)):
        try:
            await _blocks_once(blob, source, what)
        except AzureRefused as exc:
            if exc.reason != "InvalidBlockList" or not left:
                raise
        else:
            return


async def _blocks_once(blob: Any, source: _Source, what: str) -> None:
    names: dict[int, str] = {}
    places = iter(range(0, source.size, source.block))

    async def work() -> None:
        for start in places:
            data = await source.read(start)
            name = await run_sync(_block_name, start // source.block, data)
            with explained(what):
                await blob.stage_block(name, io.BytesIO(data), length=len(data))
            names[start] = name

    with unwrapped():
        async with anyio.create_task_group() as tasks:
            for _ in range(AT_ONCE):
                tasks.start_soon(work)
    from azure.storage.blob import BlobBlock

    blocks = [BlobBlock(names[start]) for start in sorted(names)]
    with explained(what), _whole():
        await blob.commit_block_list(blocks)


def _block_name(number: int, data: bytes) -> str:
    """Equal blocks have equal names; all have one length."""
    return f"{number:05}-{hashlib.sha256(data).hexdigest()[:32]}"


@contextmanager
def _whole() -> Iterator[None]:
    """Hold a cancellation back: what Azure has got it writes, also when nobody waits any more."""
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
