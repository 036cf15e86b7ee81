"""The log of a run with one container: byte by byte, and from the right byte on after its node has
turned to another file.
"""

from dataclasses import dataclass

from launchkit.model import LogChunk
from launchkit.runners.log_following import SLACK_NS, Piece
from launchkit_kubernetes.runs.log_place import LogPlace, StreamPlace
from launchkit_kubernetes.runs.streams import TURNED, Stream


@dataclass(frozen=True)
class Mark:
    """The byte at which the first line of a time begins."""

    offset: int
    time_ns: int


class MarkedPlace:
    """Where one is in the output of a container. A stream is opened a little before a mark, and
    what stands before it in the stream is passed over. One that begins after the mark has lost what
    was between, and maybe more: then all that is left is given, after a line that says so.
    """

    def __init__(self, stream: Stream, kept: LogPlace, offset: int) -> None:
        self.given = offset
        self.turned = False
        """Whether the place has moved in a way that must be kept."""
        self.is_whole = False
        """Whether the stream has told that there is no more."""
        self.told = str(stream) in kept.lost
        self._stream = stream
        marks = [Mark(*one) for one in kept.marks if one[0] <= offset]
        self._first = marks[0] if marks else None
        self._mark = marks[-1] if marks else None
        self._highest = self._mark.time_ns if self._mark else -1
        self._at: int | None = 0

    def restart(self) -> None:
        """Begin at the first byte again."""
        self._mark = self._first

    def reopened(self) -> int | None:
        """The time from which the next stream is."""
        self._at = None if self._mark else 0
        if self._mark is None or self._mark == self._first:
            return None
        return max(0, self._mark.time_ns - SLACK_NS)

    def take(self, piece: Piece[int]) -> LogChunk | None:
        """What is new in the next piece; one without a time is new, and none of the container's."""
        if piece.time_ns is None:
            return self._more(piece.data)
        before = b""
        if self._at is None and self._mark is not None:
            if piece.time_ns < self._mark.time_ns:
                return None
            if piece.time_ns > self._mark.time_ns:
                before = self._stream.lost(TURNED)
                self._first = self._mark = None
                self.turned = True
            self._at = self._mark.offset if self._mark else self.given + len(before)
        at = self._at or 0
        self._weigh(Mark(at, piece.time_ns))
        new = piece.data if before else piece.data[max(0, self.given - at) :]
        self._at = at + len(piece.data)
        return self._more(before + new) if new else None

    def kept(self) -> LogPlace:
        """The place, as it is kept."""
        name, mark = str(self._stream), self._mark
        marks = [(one.offset, one.time_ns) for one in (self._first, mark) if one is not None]
        streams = {}
        if mark is not None:
            streams[name] = StreamPlace(time_ns=mark.time_ns, done=self.is_whole)
        lost = (name,) if self.told else ()
        return LogPlace(offset=self.given, marks=tuple(marks), streams=streams, lost=lost)

    def _more(self, data: bytes) -> LogChunk:
        self.given += len(data)
        return LogChunk(offset=self.given - len(data), data=data)

    def _weigh(self, here: Mark) -> None:
        """Look whether a stream can be opened here later."""
        if here.time_ns > self._highest or self._mark is None:
            self._highest, self._mark = here.time_ns, here
            self._first = self._first or here
        elif here.time_ns < self._highest - SLACK_NS and here.offset >= self.given:
            self._mark = self._first  # the clock was set back: times order nothing
