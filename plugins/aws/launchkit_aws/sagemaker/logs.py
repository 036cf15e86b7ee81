"""What a training job prints, as CloudWatch has it: one stream for each of its machines."""

import math
import time
from collections import Counter
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from typing import Any

import anyio

from launchkit.runners.log_following import CursorLost, Piece
from launchkit_aws.errors import AwsRefused
from launchkit_aws.sagemaker.api import Api, log
from launchkit_aws.sagemaker.log_places import LogCursor, StreamPlace, machine_of, merged, to_read

GROUP = "/aws/sagemaker/TrainingJobs"
HELD_MS = 15_000
"""Lines of several machines are put in the order of their times, and so long is waited for those
that are late."""
LATE_SECONDS = 180.0
"""So long is waited for the streams of all machines, before those that are there are read."""
LISTED_SECONDS = 300.0
"""So long a job whose machines all have a stream is not asked for others: they come when it begins
again after an interruption, and at its end all are looked for."""
MAX_STREAM_PAGES = 100
STREAMS_OF_A_MACHINE = 32
"""A machine has another one each time that it begins again, and with the rights of its role a job
can make thousands.
"""
HELD_BYTES = 32 << 20
"""So much is held of all streams of a job: CloudWatch gives 1 MB of a stream at once."""
MOST_EMPTY_PAGES = 20
"""CloudWatch may give pages without a line in the midst of a stream; after so many in a row it is
left alone for a while, or, once all output is there, taken for read.
"""
NO_STREAM = frozenset({"ResourceNotFoundException"})


class LogSource:
    """The output of one job; the order of its lines is the same whoever reads, and whenever."""

    def __init__(
        self,
        api: Api,
        job: str,
        machines: Callable[[], int],
        whole_at: Callable[[], Awaitable[float | None]],
    ) -> None:
        self._api = api
        self._job = job
        self._machines = machines
        self._told_whole_at = whole_at
        self._whole_at: float | None = None
        """The Unix time by which all output had come to CloudWatch: nothing late is waited for, and
        what comes later is none of the job's. None: there may be more."""
        self._began: float | None = None
        self._listed: float | None = None
        self._told = False
        """Of streams that are not read."""

    async def over(self) -> bool:
        """Whether all output is there by now."""
        if self._whole_at is None:
            self._whole_at = await self._told_whole_at()
        return self._whole_at is not None

    @asynccontextmanager
    async def open(
        self, cursor: LogCursor | None
    ) -> AsyncGenerator[AsyncIterator[Piece[LogCursor]]]:
        """What there is from a place on."""
        yield self._pieces(cursor or LogCursor())

    async def _pieces(self, cursor: LogCursor) -> AsyncIterator[Piece[LogCursor]]:
        is_whole = self._whole_at is not None
        try:
            streams = {**cursor.streams}
            if is_whole or self._may_be_more(streams):
                self._take(await self._names(), streams)
                self._listed = anyio.current_time()
            until, many = self._until(streams, is_whole=is_whole), self._machines() > 1
            ends = _Ends(is_whole=is_whole)
            while True:
                data, streams = merged(streams, ends.drained, until, is_told=many)
                if data:
                    yield Piece(data)
                yield Piece(b"", cursor=LogCursor({**streams}))
                if not is_whole and await self.over():
                    return
                wanted = to_read(streams, ends.drained | ends.left_alone, until)
                if not wanted:
                    return
                for name in wanted:
                    place = streams[name]
                    streams[name] = await self._read(name, place, HELD_BYTES // len(streams))
                    ends.see(name, place, streams[name])
        except AwsRefused as exc:
            if not (exc.denied and is_whole):
                raise
            log.warning("the log of %s cannot be read: %s (%s)", self._job, exc, exc.hint)

    def _may_be_more(self, streams: Iterable[str]) -> bool:
        """Whether there may be streams of which nothing is known."""
        if self._listed is None or self._lacks_machines(streams):
            return True
        return anyio.current_time() - self._listed >= LISTED_SECONDS

    def _lacks_machines(self, streams: Iterable[str]) -> bool:
        return len({machine_of(name) for name in streams}) < self._machines()

    def _take(self, names: Sequence[str], streams: dict[str, StreamPlace]) -> None:
        """Read new streams, too, as many as there may be."""
        most = STREAMS_OF_A_MACHINE * self._machines()
        new = [name for name in names if name not in streams]
        room = max(0, most - len(streams))
        streams |= {name: StreamPlace() for name in new[:room]}
        if len(new) > room and not self._told:
            self._told = True
            log.warning(
                "of the log of %s no more than its first %d streams are read", self._job, most
            )

    async def _names(self) -> Sequence[str]:
        """The streams that there are, the oldest first; that there are none yet is no error."""
        names: list[tuple[int, str]] = []
        more: dict[str, Any] = {}
        for _ in range(MAX_STREAM_PAGES):
            try:
                told = await self._api.look_at_logs(
                    "DescribeLogStreams",
                    logGroupName=GROUP,
                    logStreamNamePrefix=f"{self._job}/",
                    **more,
                )
            except AwsRefused as exc:
                if exc.reason in NO_STREAM:
                    return []
                raise
            found = told.get("logStreams", [])
            names += [(one.get("creationTime", 0), one.get("logStreamName", "")) for one in found]
            if not told.get("nextToken"):
                break
            more = {"nextToken": told["nextToken"]}
        return [name for _, name in sorted(names) if name]

    async def _read(self, name: str, place: StreamPlace, room: int) -> StreamPlace:
        """What is next in a stream; the same place, if there is no more."""
        latest = math.inf if self._whole_at is None else self._whole_at * 1000
        return place.read_on(await self._page(name, place.token), room, latest)

    async def _page(self, name: str, token: str | None) -> Mapping[str, Any]:
        try:
            return await self._api.look_at_logs(
                "GetLogEvents",
                logGroupName=GROUP,
                logStreamName=name,
                startFromHead=True,
                **({"nextToken": token} if token else {}),
            )
        except AwsRefused as exc:
            if exc.reason in NO_STREAM:
                return {}
            if token and exc.reason == "InvalidParameterException":
                raise CursorLost(exc.message) from exc
            raise

    def _until(self, streams: Mapping[str, StreamPlace], *, is_whole: bool) -> float:
        """The time up to which no more lines come than can be read now."""
        if is_whole or self._machines() <= 1:
            return math.inf
        return -1 if self._is_early(streams) else time.time() * 1000 - HELD_MS

    def _is_early(self, streams: Mapping[str, StreamPlace]) -> bool:
        """Whether streams of other machines may still come."""
        if not streams or not self._lacks_machines(streams):
            return False
        now = anyio.current_time()
        self._began = now if self._began is None else self._began
        return now - self._began < LATE_SECONDS


class _Ends:
    """The streams that are not read on, in one reading of all of them."""

    def __init__(self, *, is_whole: bool) -> None:
        self.drained: set[str] = set()
        """Those of which there is no more."""
        self.left_alone: set[str] = set()
        """Those of which there may be more, for the next reading."""
        self._is_whole = is_whole
        self._empty = Counter[str]()

    def see(self, name: str, before: StreamPlace, after: StreamPlace) -> None:
        """One of them was read on."""
        self._empty[name] = 0 if after.held else self._empty[name] + 1
        if after == before:
            self.drained.add(name)
        elif self._empty[name] >= MOST_EMPTY_PAGES:
            (self.drained if self._is_whole else self.left_alone).add(name)
