"""Following output by byte offset, over reconnects, without reading from the beginning again."""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar

import anyio

from launchkit.aio.retry import Backoff, On, matches, pauses, retry_after
from launchkit.aio.trouble import Trouble
from launchkit.model import LogChunk

C = TypeVar("C")

SLACK_NS = 2_000_000_000
"""How far times may go back in a stream: stdout and stderr are stamped by two tasks."""
BACKOFF = Backoff(first=0.1, cap=5.0)
_PENDING = 4
"""So many places within the slack are looked at, as possible checkpoints."""


@dataclass(frozen=True)
class Piece(Generic[C]):
    """Some bytes of output, in the order in which they are stored."""

    data: bytes
    cursor: C | None = None
    """Where a stream can be opened that begins with this piece; None: there is no such place."""
    time_ns: int | None = None
    """Set where a cursor is a time, and the stream that it opens is all pieces of this time or a
    later one: then a cursor is good only if what stands before it is older, and what stands after
    it is not."""


Open: TypeAlias = Callable[[C | None], AbstractAsyncContextManager[AsyncIterator[Piece[C]]]]
"""Opens a stream at a cursor; None: at the first byte. It ends where there is no more for now."""


class CursorLost(Exception):
    """To be raised by a source that can no longer begin at a cursor, such as a token that has
    expired: the output is read from its first byte again.
    """


class Place(Protocol[C]):
    """Where one is in the output, and where a stream is opened again."""

    given: int
    """Everything before this byte is with the one who reads."""

    def restart(self) -> None:
        """Begin at the first byte again."""

    def reopened(self) -> C | None:
        """The cursor to open the next stream at."""

    def take(self, piece: Piece[C]) -> LogChunk | None:
        """What is new in the next piece of the stream."""


@dataclass(frozen=True, kw_only=True)
class Following(Generic[C]):
    """How a source is followed."""

    source: Open[C]
    over: Callable[[], Awaitable[bool]]
    """Whether all output is at the source by now, so that the next whole reading gives the rest."""
    on: On
    """What the source raises when it cannot be read now, or breaks off; other exceptions are
    raised to the one who reads."""
    trouble: Trouble | None = None
    backoff: Backoff = BACKOFF
    """The pauses while nothing comes or the source cannot be read."""
    slack_ns: int = SLACK_NS
    place: Callable[[int], Place[C]] | None = None
    """Makes the place at a byte, for a source that may have lost what stands before a cursor; None:
    what was there once is there still."""

    async def chunks(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        """The output from byte *offset* on, each byte once and in order, until `over` and all was
        given.
        """
        place = self.place(offset) if self.place else _Place[C](offset, self.slack_ns)
        steps = pauses(self.backoff)
        failed = False
        ended = await self.over()
        while True:
            before = place.given
            failure: Exception | None = None
            try:
                async with self.source(place.reopened()) as pieces:
                    async for piece in pieces:
                        if chunk := place.take(piece):
                            yield chunk
            except CursorLost as exc:
                failure = exc
                place.restart()
            except Exception as exc:
                if not matches(exc, self.on):
                    raise
                failure = exc
            failed = self._tell(failure, failed)
            if ended and not failed:
                return
            if place.given > before:
                steps = pauses(self.backoff)
            ended = ended or await self.over()
            if failed or not ended:
                pause = max(next(steps), retry_after(failure))
                failure = None  # what has failed is not held by its traceback meanwhile
                await anyio.sleep(pause)
                ended = ended or await self.over()

    def _tell(self, failure: Exception | None, failed: bool) -> bool:
        """Tell of this reading, where the last one has *failed* or not; gives whether this has."""
        if self.trouble is not None:
            if failure is not None:
                self.trouble.tell(failure)
            elif failed:
                self.trouble.over()
        return failure is not None


@dataclass(frozen=True)
class _Checkpoint(Generic[C]):
    cursor: C | None
    offset: int
    time_ns: int | None = None


class _Place(Generic[C]):
    """Where one is in the output, and where a stream could be opened again."""

    def __init__(self, offset: int, slack_ns: int) -> None:
        self.given = offset
        """Everything before this byte is with the one who reads."""
        self._slack_ns = slack_ns
        self.restart()

    def restart(self) -> None:
        """Begin at the first byte again."""
        self._sound = _Checkpoint[C](None, 0)
        self.reopened()

    def reopened(self) -> C | None:
        """The cursor to open the next stream at."""
        self._at = self._sound.offset
        self._newest_ns: int | None = None
        self._pending = deque[_Checkpoint[C]]()
        return self._sound.cursor

    def take(self, piece: Piece[C]) -> LogChunk | None:
        """What is new in the next piece of the stream."""
        here = _Checkpoint(piece.cursor, self._at, piece.time_ns)
        if piece.time_ns is not None:
            self._weigh(here, piece.time_ns)
        elif piece.cursor is not None:
            self._sound = here
        new = piece.data[max(0, self.given - self._at) :]
        self._at += len(piece.data)
        if not new:
            return None
        self.given = self._at
        return LogChunk(offset=self._at - len(new), data=new)

    def _weigh(self, here: _Checkpoint[C], time_ns: int) -> None:
        """Look which places are good, now that a piece of this time stands here."""
        if self._sound.time_ns is not None and time_ns < self._sound.time_ns:
            self._sound = _Checkpoint(None, 0)  # the clock was set back: it was none
        while self._pending and (self._pending[-1].time_ns or 0) > time_ns:
            self._pending.pop()
        while self._pending and (self._pending[0].time_ns or 0) <= time_ns - self._slack_ns:
            self._sound = self._pending.popleft()
        if self._newest_ns is not None and time_ns <= self._newest_ns:
            return
        apart = self._slack_ns // _PENDING
        if here.cursor is not None and (
            not self._pending or time_ns - (self._pending[-1].time_ns or 0) >= apart
        ):
            self._pending.append(here)
        self._newest_ns = time_ns
