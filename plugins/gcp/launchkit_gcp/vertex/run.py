"""One custom job as a run."""

import math
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import anyio

from launchkit.abc import Run
from launchkit.aio.retry import Backoff, pauses
from launchkit.aio.trouble import Trouble
from launchkit.errors import LaunchError, RunLost
from launchkit.model import LogChunk, RunStatus
from launchkit.runners.log_following import Following
from launchkit.runners.markers import Markers
from launchkit_gcp.errors import GcpError, GcpRefused
from launchkit_gcp.vertex import jobs
from launchkit_gcp.vertex.api import VertexApi
from launchkit_gcp.vertex.board import Board, first_of, key_of
from launchkit_gcp.vertex.log_entries import Mark
from launchkit_gcp.vertex.log_reader import LogReader
from launchkit_gcp.vertex.logs import JobLog, LogSource
from launchkit_gcp.vertex.names import Ref, number_of
from launchkit_gcp.vertex.status import status
from launchkit_gcp.vertex.view import JobView

OVER = "over"
"""The mark of a run whose end is stored: Vertex AI keeps jobs as part of its history."""


@dataclass(frozen=True, kw_only=True)
class RunPlace:
    """What a run works with."""

    api: VertexApi
    board: Board
    reader: LogReader
    markers: Markers
    log_trouble: Trouble
    log_seconds: float
    """How long Cloud Logging may take to have what was printed."""


class VertexRun(Run):
    """A custom job, live or ended."""

    def __init__(self, ref: Ref, job: JobView, place: RunPlace) -> None:
        self.ref = str(ref)
        self._at = ref
        self._job = job
        self._place = place
        self._api, self._board = place.api, place.board
        self._looked_at = anyio.current_time()
        self._is_listed = False
        """Whether the list had it when it was looked at last."""
        self._end_seen_at = math.inf

    async def status(self) -> RunStatus:
        """Look once, unless it has ended. :raises RunLost: if Vertex AI no longer knows it."""
        if not self._job.is_over:
            found = await self._api.get(self._job.name)
            if found is None:
                raise RunLost(
                    f"Vertex AI in {self._at.region} has no job {self._job.name}",
                    hint="was it deleted, or is the agent in another project than the one that"
                    " started it?",
                )
            self._looked_at = anyio.current_time()
            self._take(found)
        if self._job.is_over:
            self._end_seen_at = min(self._end_seen_at, anyio.current_time())
        return status(self._job)

    async def changed(self, last: RunStatus) -> RunStatus:
        """Wait for another status; the list that all runs share tells of it."""
        with self._board.watched(key_of(self._job)) as news:
            while (now := await self._latest()) == last:
                await news.wait(self._board.poll_seconds)
            return now

    async def cancel(self, grace: float) -> None:
        """End it, and wait until it has: Vertex AI takes its own time."""
        cap = self._board.poll_seconds
        for pause in pauses(Backoff(first=min(0.5, cap), cap=cap)):
            await self.status()
            if self._job.is_over:
                break
            if self._job.state != "JOB_STATE_CANCELLING":
                await self._stop()
                self._board.tell(key_of(self._job))
            await anyio.sleep(pause)
        self._board.tell(key_of(self._job))

    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        """What its machines print, in one order, until it has ended and Cloud Logging has all."""
        place = self._place
        source = LogSource(place.reader, self._log, place.log_seconds)

        async def over() -> bool:
            source.is_whole = await self._is_logged()
            return source.is_whole

        cap = self._board.poll_seconds
        following = Following[Mark](
            source=source.open,
            over=over,
            on=GcpError,
            trouble=place.log_trouble,
            backoff=Backoff(first=min(0.5, cap), cap=cap),
        )
        with self._board.watched(key_of(self._job)):
            async with aclosing(following.chunks(offset)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def aclose(self) -> None:
        """Mark the ended run as cleared away. Vertex AI keeps its job as part of its history, and
        Cloud Logging its log.
        """
        if not self._job.is_over:
            try:
                await self.status()
            except RunLost:
                return
        if self._job.is_over:
            await self._place.markers.set(self.ref, OVER)

    def _take(self, job: JobView) -> None:
        """Believe what was told, unless something newer is known."""
        if job.name == self._job.name and job.updated < self._job.updated:
            return
        if not self._job.is_over:
            self._job = job

    async def _latest(self) -> RunStatus:
        """The status as the list has it; one that is not in it is looked at, now and then."""
        seen = self._board.seen(key_of(self._job))
        was_listed, self._is_listed = self._is_listed, seen is not None
        if seen is None or self._job.is_over:
            is_old = anyio.current_time() - self._looked_at >= self._board.poll_seconds
            return await self.status() if was_listed or is_old else status(self._job)
        if seen.name == self._job.name:
            self._take(seen)
        else:
            await self._settle(seen)
        return status(self._job)

    async def _settle(self, other: JobView) -> None:
        """Two jobs are of one attempt: the first counts."""
        await jobs.settle(self._api, [self._job, other])
        self._job = first_of([self._job, other]) or self._job

    async def _stop(self) -> None:
        try:
            await jobs.cancel(self._api, self._job.name)
        except GcpRefused as exc:
            raise LaunchError(exc.message, hint=exc.hint) from exc

    async def _is_logged(self) -> bool:
        """Whether it has ended, and Cloud Logging has had the time to get its last words."""
        try:
            if not (await self._latest()).state.ended:
                return False
        except RunLost:
            return True
        self._end_seen_at = min(self._end_seen_at, anyio.current_time())
        ended = self._job.ended or math.inf
        waited = max(time.time() - ended, anyio.current_time() - self._end_seen_at)
        return waited >= self._place.log_seconds

    def _log(self) -> JobLog:
        job = self._job
        return JobLog(number_of(job.name), job.created, job.machines)
