"""One training job as a run."""

import math
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import anyio

from launchkit.abc import Run
from launchkit.aio.retry import Backoff, pauses
from launchkit.errors import LaunchError, RunLost
from launchkit.model import LogChunk, RunStatus
from launchkit.runners.identity import AWS
from launchkit.runners.log_following import Following
from launchkit_aws.errors import AwsError, AwsRefused
from launchkit_aws.sagemaker import jobs
from launchkit_aws.sagemaker.api import Api, log
from launchkit_aws.sagemaker.board import Board, Listed, as_listed
from launchkit_aws.sagemaker.log_places import LogCursor
from launchkit_aws.sagemaker.logs import LogSource
from launchkit_aws.sagemaker.names import Ref
from launchkit_aws.sagemaker.status import is_over, is_stopped, status

LOOK_SECONDS = 3600.0
"""So often a run is described that no list tells of, should one be missed."""


@dataclass(frozen=True, kw_only=True)
class RunPlace:
    """What a run works with."""

    api: Api
    board: Board
    agent: str
    log_seconds: float
    """How long CloudWatch may take to have what was printed."""


class TrainingRun(Run):
    """A training job, live or ended."""

    def __init__(self, ref: Ref, place: RunPlace) -> None:
        self.ref = str(ref)
        self._at = ref
        self._api = place.api
        self._board = place.board
        self._place = place
        self._created: datetime | None = None
        self._machines = 1
        self._status: RunStatus | None = None
        self._seen: Listed | None = None
        """What the list told when it was described last."""
        self._described: Listed | None = None
        """What a list would have told then."""
        self._described_at = -math.inf
        self._ended_at = math.inf
        """By AWS's clock."""
        self._end_seen_at = math.inf
        """By our own."""
        self._is_cleared = False

    async def status(self) -> RunStatus:
        """Look once, unless it has ended. :raises RunLost: if SageMaker no longer knows it."""
        if self._status is None or not self._status.state.ended:
            self._seen = self._board.seen(self._at.name)
            told = await self.described()
            self._status = await self._judged(told)
            self._described = as_listed(told)
            self._described_at = anyio.current_time()
        return self._status

    async def changed(self, last: RunStatus) -> RunStatus:
        """Wait for another status; the list that all runs share tells of it."""
        with self._board.watched(self._at.name, self._created) as news:
            now = await self._latest()
            while now == last:
                await news.wait(self._patience())
                now = await self._latest()
            return now

    async def cancel(self, grace: float) -> None:
        """Stop it, and wait until it has: SageMaker gives each job 120 seconds for that, and takes
        its own time. Why it stops is stored with it before.
        """
        cap = self._board.poll_seconds
        for pause in pauses(Backoff(first=min(0.5, cap), cap=cap)):
            told = await self.described()
            if is_over(told):
                break
            if told.get("TrainingJobStatus") != "Stopping":
                await self._stop(told)
                self._board.tell(self._at.name)
            await anyio.sleep(pause)
        await self.status()
        self._board.tell(self._at.name)

    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        """What its machines print, in one order, until it has ended and CloudWatch has all."""
        source = LogSource(self._api, self._at.name, lambda: self._machines, self._logged_at)
        cap = self._board.poll_seconds
        following = Following[LogCursor](
            source=source.open,
            over=source.over,
            on=AwsError,
            trouble=self._api.log_trouble,
            backoff=Backoff(first=min(0.5, cap), cap=cap),
        )
        with self._board.watched(self._at.name, self._created):
            async with aclosing(following.chunks(offset)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def aclose(self) -> None:
        """Mark the ended job as cleared away. SageMaker keeps it as part of its history, and
        CloudWatch its log.
        """
        if self._is_cleared:
            return
        try:
            told = await self.described()
        except RunLost:
            return
        if is_over(told) and told.get("TrainingJobArn"):
            await self._tagged(told, jobs.OVER)
            self._is_cleared = True

    async def described(self) -> Mapping[str, Any]:
        """The job as it is now. :raises RunLost: if there is none."""
        told = await jobs.described(self._api, self._at)
        created, resources = told.get("CreationTime"), told.get("ResourceConfig") or {}
        self._created = created if isinstance(created, datetime) else None
        groups = resources.get("InstanceGroups") or [resources]
        self._machines = max(1, sum(one.get("InstanceCount") or 0 for one in groups))
        ended = told.get("TrainingEndTime")
        if is_over(told):
            self._end_seen_at = min(self._end_seen_at, anyio.current_time())
            if isinstance(ended, datetime):
                self._ended_at = ended.timestamp()
        return told

    async def _judged(self, told: Mapping[str, Any]) -> RunStatus:
        stop = None
        if is_stopped(told):
            try:
                stop = jobs.stop_of(await jobs.tags(self._api, told["TrainingJobArn"]))
            except AwsRefused as exc:
                if not exc.denied:
                    raise
                log.warning("who has stopped %s cannot be told: %s", self.ref, exc)
        return status(told, stop)

    async def _latest(self) -> RunStatus:
        """The status as the last description has it, if nothing tells that it is another."""
        seen = self._board.seen(self._at.name)
        if self._status is None or seen not in {None, self._seen, self._described}:
            return await self.status()
        if anyio.current_time() - self._described_at >= self._patience():
            return await self.status()
        return self._status

    def _patience(self) -> float:
        """How long a description is good while no list tells of a change."""
        seen = self._board.seen(self._at.name)
        is_unclear = self._board.is_blind or (seen is not None and not seen.status)
        return self._board.poll_seconds if is_unclear else LOOK_SECONDS

    async def _logged_at(self) -> float | None:
        """The Unix time by which CloudWatch had its last words; None: it may not have them yet."""
        try:
            if not (await self._latest()).state.ended:
                return None
        except RunLost:
            return math.inf
        delay = self._place.log_seconds
        waited = max(time.time() - self._ended_at, anyio.current_time() - self._end_seen_at)
        return max(time.time(), self._ended_at + delay) if waited >= delay else None

    async def _stop(self, told: Mapping[str, Any]) -> None:
        await self._tagged(told, jobs.STOPPED_BY)
        try:
            await self._api.change("StopTrainingJob", TrainingJobName=self._at.name)
        except AwsRefused as exc:
            if exc.denied:
                raise LaunchError(exc.message, hint=exc.hint) from exc
            if exc.reason != "ValidationException" and not jobs.is_missing(exc):
                raise
            log.debug("%s is not stopped: %s", self.ref, exc)  # it has ended meanwhile

    async def _tagged(self, told: Mapping[str, Any], key: str) -> None:
        """Keep with the job what was done with it; what cannot be kept stops nothing."""
        try:
            await jobs.tag(self._api, told["TrainingJobArn"], key, AWS.text(self._place.agent))
        except AwsRefused as exc:
            log.warning("%s gets no tag %s: %s", self.ref, key, exc)
