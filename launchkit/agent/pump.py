"""Copy what a run prints into the queue's log, without gaps, also across agents."""

import logging
from contextlib import aclosing
from functools import partial

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from launchkit.abc import QueueBackend, Run
from launchkit.agent.persist import persist
from launchkit.errors import unwrapped
from launchkit.model import Claim, LogChunk
from launchkit.observe import Journal

PAUSE_SECONDS = 0.1
"""Between two writes: each is a transaction of the queue, and a run may print line by line."""
BATCH_BYTES = 1 << 16
"""So much is written without a pause."""
AHEAD = 16
"""Chunks that are read while others are written."""
MOST_SKIPPED = 1 << 20
"""The longest hole that is filled; the queue refuses what stands behind a longer one."""


async def pump(run: Run, backend: QueueBackend, claim: Claim, log: Journal, base: int) -> None:
    """Go on where the stored log ends, until the run has ended and all of it is stored. The
    run's own output begins at byte *base* of the log.

    :raises LeaseLost: if the claim is no longer ours.
    """
    what = f"log of {claim.item.id}"
    size = await persist(partial(backend.log_size, claim), what, log)
    send, receive = anyio.create_memory_object_stream[LogChunk](AHEAD)
    with send, receive, unwrapped():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_read, run, size - base, send, log)
            while batch := await _batch(receive):
                call = partial(backend.append_log, claim, base + batch.offset, batch.data)
                await persist(call, what, log)


async def _read(
    run: Run, offset: int, send: MemoryObjectSendStream[LogChunk], log: Journal
) -> None:
    """Read on from byte *offset*. What a runner skips, against its contract, is filled with a note,
    so that what follows stands in its place.
    """
    told = False
    with send:
        async with aclosing(run.logs(offset)) as chunks:
            async for chunk in chunks:
                skipped = chunk.offset - offset
                if 0 < skipped <= MOST_SKIPPED:
                    message = "%s: its runner skipped %d bytes of output"
                    log.log(logging.DEBUG if told else logging.WARNING, message, run.ref, skipped)
                    told = True
                    await send.send(LogChunk(offset=offset, data=_note(skipped)))
                await send.send(chunk)
                offset = chunk.offset + len(chunk.data)


def _note(skipped: int) -> bytes:
    """As many bytes as were skipped; where they are too few to say so, they are dots."""
    text = f"\nlaunchkit: the runner skipped {skipped} bytes here\n".encode()
    return text.rjust(skipped, b".") if len(text) <= skipped else b"." * skipped


async def _batch(receive: MemoryObjectReceiveStream[LogChunk]) -> LogChunk | None:
    """What comes next, with what follows it soon; None after the end."""
    try:
        first = await receive.receive()
    except anyio.EndOfStream:
        return None
    data = bytearray(first.data)
    with anyio.move_on_after(PAUSE_SECONDS):
        while len(data) < BATCH_BYTES:
            try:
                data += (await receive.receive()).data
            except anyio.EndOfStream:
                break
    return LogChunk(offset=first.offset, data=bytes(data))
