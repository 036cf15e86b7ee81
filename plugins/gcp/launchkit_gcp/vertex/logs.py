"""What one job prints, as Cloud Logging has it."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from launchkit.runners.log_following import Piece
from launchkit_gcp.errors import GcpRefused
from launchkit_gcp.vertex.api import log
from launchkit_gcp.vertex.log_entries import SECOND, Entry, Mark
from launchkit_gcp.vertex.log_reader import LogReader

EARLIER_SECONDS = 60.0
"""Before a job was made, none of its lines is older: clocks differ."""


@dataclass(frozen=True)
class JobLog:
    """A job whose log is read."""

    number: str
    created: float
    machines: int


class LogSource:
    """The output of one job; the order of its lines is the same whoever reads, and whenever.

    Lines come late to Cloud Logging, and not in their order: each is held back until no earlier
    one can come any more.
    """

    def __init__(self, reader: LogReader, job: Callable[[], JobLog], held_seconds: float) -> None:
        self._reader = reader
        self._job = job
        self._held = int(held_seconds * SECOND)
        self.is_whole = False
        """Whether all output is there by now, so that nothing late is waited for."""
        self._alone = False
        """Whether others would wait for theirs behind it."""

    @asynccontextmanager
    async def open(self, cursor: Mark | None) -> AsyncGenerator[AsyncIterator[Piece[Mark]]]:
        """What there is from a place on: what stands behind the entry with that mark."""
        yield self._pieces(cursor)

    async def _pieces(self, cursor: Mark | None) -> AsyncIterator[Piece[Mark]]:
        is_whole, job = self.is_whole, self._job()
        begin = cursor or (int((job.created - EARLIER_SECONDS) * SECOND), "")
        page = None
        try:
            while True:
                safe = None if is_whole else (time.time_ns() - self._held, "")
                part = await self._reader.read(job.number, begin, alone=self._alone, page=page)
                self._alone, page = part.alone, part.page
                limit = _earlier(safe, part.until)
                ready = [one for one in part.entries if limit is None or one.mark <= limit]
                if ready:
                    yield Piece(_lines(ready, job), cursor=begin)
                begin = _after(begin, ready, limit)
                yield Piece(b"", cursor=begin)
                if part.until is None or (safe is not None and part.until >= safe):
                    return
        except GcpRefused as exc:
            if not (exc.denied and is_whole):
                raise
            log.warning("the log of job %s cannot be read: %s (%s)", job.number, exc, exc.hint)


def _earlier(one: Mark | None, other: Mark | None) -> Mark | None:
    return min((each for each in (one, other) if each is not None), default=None)


def _after(begin: Mark, ready: list[Entry], limit: Mark | None) -> Mark:
    """The place behind what was read: a silent log is not read from its last line on each time."""
    last = ready[-1].mark if ready else begin
    return last if limit is None else max(last, limit)


def _lines(ready: list[Entry], job: JobLog) -> bytes:
    many = job.machines > 1
    lines = [f"[{one.machine}] {one.text}\n" if many else f"{one.text}\n" for one in ready]
    return "".join(lines).encode(errors="replace")
