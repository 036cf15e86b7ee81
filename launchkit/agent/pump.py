"""Copy what a run prints into the queue's log, without gaps, also across agents."""

import logging
from collections.abc import Callable
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
REST_SECONDS = 200.0
"""How long the output of a run that was ended is waited for: providers store it later."""
HURRIED_SECONDS = 5.0
"""The same, where somebody wants the end at once."""
REST_BYTES = 1 << 24
"""So much of it is stored."""
TICK_SECONDS = 0.5


class Rest:
    """What is still read of the output of a run that is ended before its time: it may have printed
    more than can be stored in days.
    """

    def __init__(self, hurry: anyio.Event) -> None:
        self.begun = anyio.Event()
        """Set when the run is over."""
        self._hurry = hurry
        self._waited = 0.0
        self._left = REST_BYTES

    def has_room(self, size: int) -> bool:
        """Whether so much more is stored."""
        if self.begun.is_set():
            self._left -= size
        return self._left >= 0

    async def passes(self, is_held_up: Callable[[], bool]) -> None:
        """Wait for its end. The time in which the queue takes nothing does not count."""
        await self.begun.wait()
        while self._waited < (HURRIED_SECONDS if self._hurry.is_set() else REST_SECONDS):
            await anyio.sleep(TICK_SECONDS)
            self._waited += 0.0 if is_held_up() else TICK_SECONDS


async def pump(
    run: Run,
    backend: QueueBackend,
    claim: Claim,
    log: Journal,
    base: int,
    rest: Rest | None = None,
) -> None:
    """Go on where the stored log ends, until the run has ended and all of it is stored, or its
    *rest* is over. The run's own output begins at byte *base* of the log.

    :raises LeaseLost: if the claim is no longer ours.
    """
    what = f"log of {claim.item.id}"
    size = await persist(partial(backend.log_size, claim), what, log)
    send, receive = anyio.create_memory_object_stream[LogChunk](AHEAD)
    with send, receive, unwrapped():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_read_in_time, run, size - base, send, log, rest)
            while batch := await _batch(receive):
                call = partial(backend.append_log, claim, base + batch.offset, batch.data)
                await persist(call, what, log)


async def _read_in_time(
    run: Run,
    offset: int,
    send: MemoryObjectSendStream[LogChunk],
    log: Journal,
    rest: Rest | None,
) -> None:
    """Read on from byte *offset*, until all was read or the *rest* is over, which is noted."""
    reading = _Reading(run, offset, send, log)
    with send:
        if rest is None:
            await reading.read(lambda _: True)
            return
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_limit, rest, send, tasks.cancel_scope)
            await reading.read(rest.has_room)
            tasks.cancel_scope.cancel()
        if not reading.is_whole:
            log.warning("%s: the rest of its output is not stored", run.ref, action="watch")
            await send.send(LogChunk(offset=reading.offset, data=_missing(reading.offset)))


async def _limit(
    rest: Rest, send: MemoryObjectSendStream[LogChunk], scope: anyio.CancelScope
) -> None:
    await rest.passes(lambda: send.statistics().tasks_waiting_send > 0)
    scope.cancel()


class _Reading:
    """The output of a run from byte *offset* on. What a runner skips, against its contract, is
    filled with a note, so that what follows stands in its place.
    """

    def __init__(
        self, run: Run, offset: int, send: MemoryObjectSendStream[LogChunk], log: Journal
    ) -> None:
        self.offset = offset
        self.is_whole = False
        self._run = run
        self._send = send
        self._log = log

    async def read(self, has_room: Callable[[int], bool]) -> None:
        """Read on, as long as there is room."""
        told = False
        async with aclosing(self._run.logs(self.offset)) as chunks:
            async for chunk in chunks:
                if not has_room(len(chunk.data)):
                    return
                skipped = chunk.offset - self.offset
                if 0 < skipped <= MOST_SKIPPED:
                    message = "%s: its runner skipped %d bytes of output"
                    level = logging.DEBUG if told else logging.WARNING
                    self._log.log(level, message, self._run.ref, skipped)
                    told = True
                    await self._send.send(LogChunk(offset=self.offset, data=_note(skipped)))
                await self._send.send(chunk)
                self.offset = chunk.offset + len(chunk.data)
        self.is_whole = True


def _missing(offset: int) -> bytes:
    """What stands in the place of output that is not read any more."""
    return (
        f"\nlaunchkit: the run was ended, and its output from byte {offset} on was not stored, for"
        " there was too much of it, or it came too late\n"
    ).encode()


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
