"""What a training job prints, as CloudWatch has it: one stream for each of its machines."""

import math
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Iterable,
    Mapping,
    Sequence,
    Set,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import anyio

from launchkit.runners.log_following import CursorLost, Piece
from launchkit_aws.errors import AwsRefused
from launchkit_aws.sagemaker.api import Api, log

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
"""A machine has another one each time that it begins again. Each stream has a page held, of 1 MB at
most, and with the rights of its role a job can make thousands.
"""
NO_STREAM = frozenset({"ResourceNotFoundException"})


@dataclass(frozen=True)
class Event:
    """A line, with the time at which it was printed, in milliseconds, or that of the line before
    it, if that is later: a late line does not wait for its time to come again.
    """

    at: int
    text: str


@dataclass(frozen=True)
class StreamPlace:
    """Where one is in a stream."""

    token: str | None = None
    held: tuple[Event, ...] = ()
    """Read, and not given yet: no more than a page."""
    at: int = 0
    """The time of the last line that was read."""


@dataclass(frozen=True)
class LogCursor:
    """Where one is in all streams of a job."""

    streams: Mapping[str, StreamPlace] = field(default_factory=dict)


class LogSource:
    """The output of one job; the order of its lines is the same whoever reads, and whenever."""

    def __init__(self, api: Api, job: str, machines: Callable[[], int]) -> None:
        self._api = api
        self._job = job
        self._machines = machines
        self.is_whole = False
        """Whether all output is there by now, so that nothing late is waited for."""
        self._began: float | None = None
        self._listed: float | None = None
        self._told = False
        """Of streams that are not read."""

    @asynccontextmanager
    async def open(
        self, cursor: LogCursor | None
    ) -> AsyncGenerator[AsyncIterator[Piece[LogCursor]]]:
        """What there is from a place on."""
        yield self._pieces(cursor or LogCursor())

    async def _pieces(self, cursor: LogCursor) -> AsyncIterator[Piece[LogCursor]]:
        is_whole = self.is_whole
        try:
            streams = {**cursor.streams}
            if is_whole or self._may_be_more(streams):
                self._take(await self._names(), streams)
                self._listed = anyio.current_time()
            until = self._until(streams, is_whole=is_whole)
            drained: set[str] = set()
            while wanted := [n for n, one in streams.items() if not one.held and n not in drained]:
                for name in wanted:
                    place = streams[name]
                    streams[name] = await self._read(name, place)
                    if streams[name] == place:
                        drained.add(name)
                lines, streams = self._merged(streams, drained, until)
                if lines:
                    yield Piece("".join(lines).encode(errors="replace"))
                yield Piece(b"", cursor=LogCursor({**streams}))
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
        return len({_machine(name) for name in streams}) < self._machines()

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

    async def _read(self, name: str, place: StreamPlace) -> StreamPlace:
        """The next page of a stream; the same place, if there is no more."""
        told = await self._page(name, place.token)
        held, at = [], place.at
        for one in told.get("events", []):
            at = max(at, one.get("timestamp", 0))
            held.append(Event(at, one.get("message", "")))
        return StreamPlace(told.get("nextForwardToken", place.token), tuple(held), at)

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

    def _merged(
        self, streams: Mapping[str, StreamPlace], drained: Set[str], until: float
    ) -> tuple[list[str], dict[str, StreamPlace]]:
        """The lines that may be given, in their order, and the places after them. Lines of one time
        are in the order of their streams, so that no stream waits for the last of another's.
        """
        many = self._machines() > 1
        read = [(one.at, name) for name, one in streams.items() if name not in drained]
        end = min(read, default=(math.inf, ""))
        ready: list[tuple[int, str, int, str]] = []
        left: dict[str, StreamPlace] = {}
        for name, place in streams.items():
            given = [one for one in place.held if (one.at, name) <= end and one.at <= until]
            ready += [(one.at, name, number, one.text) for number, one in enumerate(given)]
            left[name] = replace(place, held=place.held[len(given) :])
        lines = [f"{_prefix(name) if many else ''}{line}\n" for _, name, _, line in sorted(ready)]
        return lines, left

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


def _machine(stream: str) -> str:
    """`algo-1`, of a stream such as `JOB/algo-1-1700000000`."""
    words = stream.rpartition("/")[2].split("-")
    return "-".join(words[:2])


def _prefix(stream: str) -> str:
    return f"[{_machine(stream)}] "
