"""Files in Blob Storage: one request for a small one, several blocks at once for a large one."""

import hashlib
import io
from pathlib import Path
from typing import Any

import anyio
from anyio.to_thread import run_sync

from launchkit.aio.upload import OpenFile, open_file, whole
from launchkit.errors import unwrapped
from launchkit_azure.blob_address import BlobAddress
from launchkit_azure.errors import AzureRefused, explained

SMALL = 1 << 20
"""What the library sends in one piece holds the event loop up for as long."""
BLOCK = 8 << 20
MOST_BLOCKS = 45_000
"""Of a file that is so large that its blocks are; Blob Storage takes 50,000."""
AT_ONCE = 4
TRIES = 8
"""So many uploads of different files to one address may be under way: each that ends throws the
blocks of the others away, once.
"""


async def upload(service: Any, source: Path, address: BlobAddress) -> None:
    """Copy a file; Blob Storage shows all of it or nothing.

    :raises LaunchError: if the file cannot be read, or Blob Storage does not take it.
    """
    what = f"Blob Storage: cannot upload {source} to {address}"
    async with open_file(source) as file:
        blob = service.get_blob_client(**address.target)
        if file.size <= SMALL:
            data = await file.read(0, file.size)
            with explained(what), whole():
                await blob.upload_blob(data, length=len(data), overwrite=True)
        else:
            await _in_blocks(blob, file, what)


async def remove(service: Any, address: BlobAddress) -> None:
    """Remove a file; none is no error. :raises AzureError: if Blob Storage does not do it."""
    try:
        with explained(f"Blob Storage: cannot remove {address}"):
            blob = service.get_blob_client(**address.target)
            await blob.delete_blob(delete_snapshots="include")
    except AzureRefused as exc:
        if not exc.not_found:
            raise


async def _in_blocks(blob: Any, file: OpenFile, what: str) -> None:
    """Who else uploads there ends this one's blocks with his own, unless they are the same."""
    for left in reversed(range(TRIES)):
        try:
            await _blocks_once(blob, file, what)
        except AzureRefused as exc:
            if exc.reason != "InvalidBlockList" or not left:
                raise
        else:
            return


async def _blocks_once(blob: Any, file: OpenFile, what: str) -> None:
    names: dict[int, str] = {}
    length = max(BLOCK, -(-file.size // MOST_BLOCKS))
    places = iter(range(0, file.size, length))

    async def work() -> None:
        for start in places:
            data = await file.read(start, length)
            name = await run_sync(_block_name, start // length, data)
            with explained(what):
                await blob.stage_block(name, io.BytesIO(data), length=len(data))
            names[start] = name

    with unwrapped():
        async with anyio.create_task_group() as tasks:
            for _ in range(AT_ONCE):
                tasks.start_soon(work)
    from azure.storage.blob import BlobBlock

    blocks = [BlobBlock(names[start]) for start in sorted(names)]
    with explained(what), whole():
        await blob.commit_block_list(blocks)


def _block_name(number: int, data: bytes) -> str:
    """Equal blocks have equal names; all have one length."""
    return f"{number:05}-{hashlib.sha256(data).hexdigest()[:32]}"
