"""Lines of several containers on their way into one order."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from launchkit_kubernetes.cluster.client import ClusterClient
from launchkit_kubernetes.runs.log_place import LogPlace, StreamPlace
from launchkit_kubernetes.runs.streams import SECOND_NS, TURNED, Stream, opened

HELD_NS = 2_000_000_000
"""Lines are put in the order of their times, and so long is waited for those that are late."""
AT_ONCE_BYTES = 1 << 20
"""So much of a stream is read before the next one's turn: a log may be larger than the memory."""


class Merge:
    """Reads streams in turn, each from where it was read to."""

    def __init__(self, kept: LogPlace) -> None:
        self.turned = False
        """Whether output is lost that was counted, so that bytes are no measure."""
        self._lost = {_stream(name) for name in kept.lost}
        self._told = {*self._lost}
        self._done = {_stream(name) for name, place in kept.streams.items() if place.done}
        """Those that will print no more, and were read to their end."""
        self._read = {_stream(name): (at.time_ns, at.size) for name, at in kept.streams.items()}
        """The time of the last line of each stream that was read, and the bytes of that time."""
        self._given = {**self._read}
        """The same of those lines that were given."""
        self._seen = {*self._read}
        self._cut: set[Stream] = set()
        """Those that have more than was read."""
        self._inside: set[Stream] = set()
        """Those of which a part of a line was given."""
        self._waiting: list[_Piece] = []
        self._open: dict[Stream, _Line] = {}
        """Lines that are not at their end: the pieces of one stay together, as long as they are not
        too many.
        """

    @property
    def known(self) -> set[Stream]:
        """The streams that there ever were."""
        return self._seen

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

    async def read(
        self, client: ClusterClient, namespace: str, stream: Stream, *, has_ended: bool
    ) -> bool:
        """Read what is new in a stream, up to a bound; whether that is all."""
        self._seen.add(stream)
        last, same = self._read.get(stream, (0, 0))
        skip, size, is_first = same, 0, bool(same)
        self._cut.discard(stream)
        async with opened(client, namespace, stream, last or None, follow=False) as lines:
            async for time_ns, line in lines:
                if time_ns < last:
                    continue
                if is_first and time_ns > last:
                    self._tell(stream, TURNED, time_ns)
                is_first = False
                known = min(skip, len(line)) if time_ns == last else 0
                skip, new = skip - known, line[known:]
                if not new:
                    continue
                self._read[stream] = _counted(self._read.get(stream), time_ns, len(new))
                self._wait(stream, time_ns, new)
                size += len(new)
                if size >= AT_ONCE_BYTES:
                    self._cut.add(stream)
                    return False
        if has_ended:
            self._done.add(stream)
        return True

    def lose(self, stream: Stream, why: str) -> None:
        """Tell once that the output of a stream is lost, unless all of it was read."""
        if stream not in self._done | self._lost:
            self._lost.add(stream)
            self._tell(stream, f"was lost: {why}", now_ns() - HELD_NS)

    def _wait(self, stream: Stream, time_ns: int, data: bytes) -> None:
        line = self._open.pop(stream, _Line(time_ns))
        self._waiting.append(_Piece(line.begun_ns, stream, time_ns, data))
        if not data.endswith(b"\n"):
            self._open[stream] = replace(line, size=line.size + len(data))

    def _tell(self, stream: Stream, why: str, time_ns: int) -> None:
        self._waiting.append(_Piece(time_ns, stream, time_ns, stream.lost(why), about=True))
        self.turned = True

    def ready(self, *, all_of_it: bool) -> list[bytes]:
        """The lines whose turn has come."""
        until = min([now_ns() - HELD_NS, *(self._read[stream][0] for stream in self._cut)])
        self._waiting.sort(key=lambda piece: (piece.begun_ns, piece.stream))
        out, self._waiting = self._waiting, []
        if not all_of_it:
            due = [piece.begun_ns <= until and not self._goes_on(piece) for piece in out]
            self._waiting = [piece for piece, now in zip(out, due, strict=True) if not now]
            out = [piece for piece, now in zip(out, due, strict=True) if now]
        return [self._named(piece) for piece in out]

    def _goes_on(self, piece: "_Piece") -> bool:
        """Whether the rest of a piece's line is waited for."""
        line = self._open.get(piece.stream)
        if line is None or piece.about or piece.begun_ns != line.begun_ns:
            return False
        return line.size < AT_ONCE_BYTES

    def _named(self, piece: "_Piece") -> bytes:
        """A line with the name of its container; a part of one that has begun without."""
        stream, line = piece.stream, piece.data
        if piece.about:
            self._told |= self._lost & {stream}
            return line
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


@dataclass(frozen=True)
class _Line:
    begun_ns: int
    size: int = 0


def now_ns() -> int:
    """The time by this machine's clock."""
    return int(datetime.now(UTC).timestamp() * SECOND_NS)


def _counted(before: tuple[int, int] | None, time_ns: int, size: int) -> tuple[int, int]:
    at, known = before or (0, 0)
    return time_ns, known + size if time_ns == at else size


def _stream(name: str) -> Stream:
    pod, _, container = name.partition("/")
    return Stream(pod, container)
