"""What a training job prints, as CloudWatch has it: one stream for each of its machines."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
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
AT_ONCE_PAGES = 8
"""So many pages of a stream are read before the next one's turn: a log may be larger than the
memory."""
MAX_STREAM_PAGES = 100
NO_STREAM = frozenset({"ResourceNotFoundException"})


@dataclass(frozen=True)
class Event:
    """A line, with the time at which it was printed, in milliseconds."""

    at: int
    text: str


@dataclass(frozen=True)
class StreamPlace:
    """Where one is in a stream."""

    token: str | None = None
    held: tuple[Event, ...] = ()
    """Read, and not given yet."""
    drained: bool = False
    """Whether there was no more when it was read last."""


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
                for name in await self._names():
                    streams.setdefault(name, StreamPlace())
                self._listed = anyio.current_time()
            more = True
            while more:
                for name, place in streams.items():
                    streams[name] = await self._read(name, place)
                lines, streams = self._merged(streams, is_whole=is_whole)
                if lines:
                    yield Piece("".join(lines).encode(errors="replace"))
                yield Piece(b"", cursor=LogCursor({**streams}))
                more = any(not place.drained for place in streams.values())
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

    async def _names(self) -> Sequence[str]:
        """The streams that there are; that there are none yet is no error."""
        names: list[str] = []
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
            names += [one.get("logStreamName", "") for one in told.get("logStreams", [])]
            if not told.get("nextToken"):
                break
            more = {"nextToken": told["nextToken"]}
        return sorted(filter(None, names))

    async def _read(self, name: str, place: StreamPlace) -> StreamPlace:
        """Some more pages of a stream, each from the token of the last one."""
        held, token = [*place.held], place.token
        for _ in range(AT_ONCE_PAGES):
            told = await self._page(name, token)
            held += [
                Event(one.get("timestamp", 0), one.get("message", ""))
                for one in told.get("events", [])
            ]
            after = told.get("nextForwardToken")
            if after is None or after == token:
                return StreamPlace(token, tuple(held), drained=True)
            token = after
        return StreamPlace(token, tuple(held), drained=False)

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
        self, streams: Mapping[str, StreamPlace], *, is_whole: bool
    ) -> tuple[list[str], dict[str, StreamPlace]]:
        """The lines that may be given, in their order, and the places after them."""
        many = self._machines() > 1
        until = self._until(streams, many=many, is_whole=is_whole)
        ready: list[tuple[int, str, int, str]] = []
        left: dict[str, StreamPlace] = {}
        for name, place in streams.items():
            # a late line does not wait for its time to come again, nor do those behind it
            count = next((i for i, one in enumerate(place.held) if one.at > until), None)
            given = place.held[:count]
            latest = 0
            for number, one in enumerate(given):
                latest = max(latest, one.at)
                ready.append((latest, name, number, one.text))
            left[name] = replace(place, held=place.held[len(given) :])
        lines = [f"{_prefix(name) if many else ''}{line}\n" for _, name, _, line in sorted(ready)]
        return lines, left

    def _until(self, streams: Mapping[str, StreamPlace], *, many: bool, is_whole: bool) -> float:
        """The time up to which no more lines come."""
        until = float("inf")
        for place in streams.values():
            if not place.drained:
                last = place.held[-1].at if place.held else 0
                until = min(until, last - 1) if len(streams) > 1 else until
        if many and not is_whole:
            if self._is_early(streams):
                return -1
            until = min(until, time.time() * 1000 - HELD_MS)
        return until

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
