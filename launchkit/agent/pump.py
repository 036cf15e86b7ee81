"""Copy what a run prints into the queue's log, without gaps, also across agents."""

from contextlib import aclosing
from functools import partial

import anyio

from launchkit.abc import QueueBackend, Run
from launchkit.agent.persist import persist
from launchkit.errors import unwrapped
from launchkit.model import Claim, LogChunk
from launchkit.observe import Journal

MOST_BYTES = 1 << 18
"""So much is held while what came before is stored; a run that prints more waits."""


async def pump(run: Run, backend: QueueBackend, claim: Claim, log: Journal, base: int) -> None:
    """Go on where the stored log ends, until the run has ended and all of it is stored. The
    run's own output begins at byte *base* of the log. What comes together is stored together.

    :raises LeaseLost: if the claim is no longer ours.
    """
    what = f"log of {claim.item.id}"
    size = await persist(partial(backend.log_size, claim), what, log)
    gathered = Gathered()
    with unwrapped():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_read, run, size - base, gathered)
            while chunk := await gathered.take():
                offset = base + chunk.offset
                await persist(partial(backend.append_log, claim, offset, chunk.data), what, log)


async def _read(run: Run, offset: int, gathered: "Gathered") -> None:
    async with aclosing(run.logs(offset)) as chunks:
        async for chunk in chunks:
            await gathered.put(chunk)
    gathered.end()


class Gathered:
    """Output that has come and is not stored yet, in one piece."""

    def __init__(self) -> None:
        self._offset = 0
        self._data = bytearray()
        self._ended = False
        self._changed = anyio.Event()

    async def put(self, chunk: LogChunk) -> None:
        """Add a chunk, when there is room for it and it goes on where the piece ends."""
        while self._data and not self._has_room(chunk):
            await self._changed.wait()
        if not self._data:
            self._offset = chunk.offset
        self._data += chunk.data
        self._tell()

    def end(self) -> None:
        """There is no more."""
        self._ended = True
        self._tell()

    async def take(self) -> LogChunk | None:
        """All that has come; None at the end."""
        while not self._data and not self._ended:
            await self._changed.wait()
        if not self._data:
            return None
        chunk = LogChunk(offset=self._offset, data=bytes(self._data))
        self._data.clear()
        self._tell()
        return chunk

    def _has_room(self, chunk: LogChunk) -> bool:
        goes_on = chunk.offset == self._offset + len(self._data)
        return goes_on and len(self._data) < MOST_BYTES

    def _tell(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
