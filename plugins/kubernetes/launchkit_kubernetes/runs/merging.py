"""Lines of several containers on their way into one order."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeAlias

import anyio

from launchkit_kubernetes.runs.log_place import LogPlace, StreamPlace
from launchkit_kubernetes.runs.streams import SECOND_NS, TURNED, Stream

HELD_NS = 2_000_000_000
"""Lines are put in the order of their times, and so long is waited for those that are late."""
AT_ONCE_BYTES = 1 << 20
"""So much of a stream is held before the next one's turn: a log may be larger than the memory."""
MOST_HELD = 1 << 25
"""So much is held of all streams together."""
PIECE_BYTES = 256
"""What a piece takes beside its bytes."""
MOST_OPEN = 64
"""So many streams stay open at once. With more that have much to be read, each of the others is
read after one of these, whatever its times."""
SKIPPED_PER_SECOND = 1 << 22
"""So much is skipped of a stream that prints no more for now: a container may print for a moment
and live on for days."""

Lines: TypeAlias = AsyncIterator[tuple[int, bytes]]
Source: TypeAlias = Callable[[Stream, int | None], AbstractAsyncContextManager[Lines]]
"""Opens a stream at the second of a time; None: at its beginning. It ends where there is no more
for now."""


class Merge:
    """Reads streams in turn, each from where it was read to. One that has more than is held at once
    stays open: a node gives it from the beginning of a second alone.
    """

    def __init__(self, kept: LogPlace, source: Source) -> None:
        self.turned = False
        """Whether output is lost that was counted, so that bytes are no measure."""
        self._source = source
        self._lost = {_stream(name) for name in kept.lost}
        self._told = {*self._lost}
        self._done = {_stream(name) for name, place in kept.streams.items() if place.done}
        """Those that will print no more, and were read to their end."""
        self._read = {_stream(name): (at.time_ns, at.size) for name, at in kept.streams.items()}
        """The time of the last line of each stream that was read, and the bytes of that time."""
        self._given = {**self._read}
        """The same of those lines that were given."""
        self._seen = {*self._read}
        self._opened: dict[Stream, _Opened] = {}
        """Those that have more than was read."""
        self._rests: dict[Stream, float] = {}
        """When those are opened again of which much has to be skipped."""
        self._inside: set[Stream] = set()
        """Those of which a part of a line was given."""
        self._waiting: list[_Piece] = []
        self._held = Counter[Stream]()
        """What the waiting pieces of each stream take."""
        self._begun: dict[Stream, _Line] = {}
        """Lines that are not at their end: the pieces of one stay together, as long as they are not
        too many.
        """

    async def aclose(self) -> None:
        """Leave the streams that are open."""
        while self._opened:
            _, opened = self._opened.popitem()
            await opened.stack.aclose()

    @property
    def opened(self) -> set[Stream]:
        """The streams that have more than was read."""
        return {*self._opened}

    @property
    def goes_on(self) -> bool:
        """Whether more of a stream that is open can be taken now."""
        return not all(map(self._is_full, self._opened))

    @property
    def known(self) -> set[Stream]:
        """The streams that there ever were."""
        return self._seen

    def expect(self, streams: Collection[Stream]) -> None:
        """These are there to be read."""
        self._seen |= {*streams}

    @property
    def waits(self) -> bool:
        """Whether a line that tells of a loss is still to be given."""
        return any(piece.about for piece in self._waiting)

    def kept(self, offset: int) -> LogPlace:
        """The place up to a byte, as it is kept."""
        streams = {
            str(stream): StreamPlace(time_ns=at, size=size, done=stream in self._done)
            for stream, (at, size) in sorted(self._given.items())
        }
        lost = tuple(sorted(map(str, self._told)))
        return LogPlace(offset=offset, streams=streams, lost=lost)

    async def read(self, stream: Stream, *, has_ended: bool) -> bool:
        """Read what is new in a stream, up to a bound; whether that is all."""
        opened = self._opened.get(stream)
        if opened is None and anyio.current_time() < self._rests.get(stream, 0.0):
            return True
        if self._is_full(stream) or (opened is None and len(self._opened) >= MOST_OPEN):
            return False
        async with opened.stack.pop_all() if opened else AsyncExitStack() as stack:
            self._opened.pop(stream, None)
            if opened is None:
                at, same = self._read.get(stream, (0, 0))
                lines = await stack.enter_async_context(self._source(stream, at or None))
                opened = _Opened(lines=lines, since_ns=at, same=same, has_ended=has_ended)
                is_whole = True
            else:
                is_whole = opened.has_ended  # or its node may have begun another file meanwhile
            async for time_ns, line in opened.lines:
                if opened.is_turned(time_ns):
                    self._tell(stream, TURNED, time_ns)
                if not (new := opened.new(time_ns, line)):
                    continue
                self._read[stream] = _counted(self._read.get(stream), time_ns, len(new))
                self._wait(stream, time_ns, new)
                if self._is_full(stream):
                    opened.stack = stack.pop_all()
                    self._opened[stream] = opened
                    return False
        self._rests[stream] = anyio.current_time() + opened.skipped / SKIPPED_PER_SECOND
        if opened.has_ended:
            self._done.add(stream)
        return is_whole

    def wake(self) -> None:
        """Look at each stream once more, however much of it is skipped."""
        self._rests.clear()

    def lose(self, stream: Stream, why: str) -> None:
        """Tell once that the output of a stream is lost, unless all of it was read."""
        if stream not in self._done | self._lost:
            self._lost.add(stream)
            self._tell(stream, f"was lost: {why}", now_ns() - HELD_NS)

    def _room(self) -> int:
        """How much is held of one stream."""
        return min(AT_ONCE_BYTES, MOST_HELD // max(1, len(self._seen)))

    def _is_full(self, stream: Stream) -> bool:
        return self._held[stream] >= self._room()

    def _wait(self, stream: Stream, time_ns: int, data: bytes) -> None:
        line = self._begun.pop(stream, _Line(time_ns))
        piece = _Piece(line.begun_ns, stream, time_ns, data)
        self._waiting.append(piece)
        self._held[stream] += piece.size
        if not data.endswith(b"\n"):
            self._begun[stream] = replace(line, size=line.size + piece.size)

    def _tell(self, stream: Stream, why: str, time_ns: int) -> None:
        self._waiting.append(_Piece(time_ns, stream, time_ns, stream.lost(why), about=True))
        self.turned = True

    def ready(self, until_ns: float | None) -> list[bytes]:
        """The lines whose turn has come: those of the time *until_ns* and before it, as far as all
        streams were read to there; None: all.
        """
        self._waiting.sort(key=lambda piece: (piece.begun_ns, piece.stream))
        out, self._waiting = self._waiting, []
        if until_ns is not None:
            until = min([until_ns, *(each.newest_ns for each in self._opened.values())])
            due = [piece.begun_ns <= until and not self._goes_on(piece) for piece in out]
            self._waiting = [piece for piece, now in zip(out, due, strict=True) if not now]
            out = [piece for piece, now in zip(out, due, strict=True) if now]
        return [self._named(piece) for piece in out]

    def _goes_on(self, piece: "_Piece") -> bool:
        """Whether the rest of a piece's line is waited for."""
        line = self._begun.get(piece.stream)
        if line is None or piece.about or piece.begun_ns != line.begun_ns:
            return False
        return line.size < self._room()

    def _named(self, piece: "_Piece") -> bytes:
        """A line with the name of its container; a part of one that has begun without."""
        stream, line = piece.stream, piece.data
        if piece.about:
            self._told |= self._lost & {stream}
            return line
        self._held[stream] -= piece.size
        self._given[stream] = _counted(self._given.get(stream), piece.time_ns, len(line))
        goes_on = stream in self._inside
        (self._inside.discard if line.endswith(b"\n") else self._inside.add)(stream)
        return line if goes_on else f"{stream} | ".encode() + line


@dataclass(frozen=True)
class _Piece:
    """A line, or a part of one."""

    begun_ns: int
    """The time of its line's first piece."""
    stream: Stream
    time_ns: int
    data: bytes
    about: bool = False
    """Whether it tells about the stream, and is not of it."""

    @property
    def size(self) -> int:
        """The memory that it takes."""
        return len(self.data) + PIECE_BYTES


@dataclass(frozen=True)
class _Line:
    begun_ns: int
    size: int = 0


@dataclass(kw_only=True)
class _Opened:
    """A stream that is being read."""

    lines: Lines
    since_ns: int
    """The time of the last line that was read before it was opened."""
    same: int
    """The bytes of that time that were read."""
    has_ended: bool
    """Whether it was opened when its container had ended."""
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    skipped: int = 0
    newest_ns: int = 0
    _at_known: bool = False
    _known: int = 0

    def is_turned(self, time_ns: int) -> bool:
        """Whether the next line tells that what was read is not there any more."""
        return bool(self.same) and not self._at_known and time_ns > self.since_ns

    def new(self, time_ns: int, line: bytes) -> bytes:
        """What is new in the next line."""
        self._at_known = self._at_known or time_ns >= self.since_ns
        self.newest_ns = max(self.newest_ns, time_ns)
        if time_ns > self.since_ns:
            return line
        known = len(line) if time_ns < self.since_ns else min(self.same - self._known, len(line))
        self._known += known if time_ns == self.since_ns else 0
        self.skipped += known
        return line[known:]


def now_ns() -> int:
    """The time by this machine's clock."""
    return int(datetime.now(UTC).timestamp() * SECOND_NS)


def _counted(before: tuple[int, int] | None, time_ns: int, size: int) -> tuple[int, int]:
    at, known = before or (0, 0)
    return time_ns, known + size if time_ns == at else size


def _stream(name: str) -> Stream:
    pod, _, container = name.partition("/")
    return Stream(pod, container)
