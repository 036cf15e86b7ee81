"""What a program says, read while it runs and only so far as it is wanted."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import anyio

PIECE = 64 * 1024
LEFT = 1024**2
"""More than a pipe holds of what a program said before it ended."""


@dataclass
class Output:
    """One of the two streams of a program."""

    reading: int
    writing: int
    """For the program; this process closes its own copy when the program has it."""
    kept: int
    """So many bytes, the last ones, are remembered."""
    most: int
    """Who says more is cut short."""
    said: int = 0
    _end: bytearray = field(default_factory=bytearray)

    @property
    def is_too_much(self) -> bool:
        """Whether more was said than anybody wants."""
        return self.said > self.most

    @property
    def text(self) -> str:
        """What is remembered."""
        return self._end.decode(errors="replace")

    def close_writing(self) -> None:
        """Leave the program alone to write; also where it was done before."""
        if self.writing >= 0:
            os.close(self.writing)
            self.writing = -1

    async def listen(self, scope: anyio.CancelScope) -> None:
        """Read until nobody can say more; cancels *scope* when it is too much."""
        while not self.is_too_much:
            await anyio.wait_readable(self.reading)
            if not self._read():
                return
        scope.cancel()

    def read_rest(self) -> None:
        """Read what was said before the program ended. Others that it began may go on talking, so
        the end of the stream is not waited for.
        """
        before = self.said
        with suppress(BlockingIOError):
            while self.said - before < LEFT and self._read():
                pass

    def _read(self) -> bool:
        piece = os.read(self.reading, PIECE)
        self.said += len(piece)
        self._end += piece
        if len(self._end) > self.kept:
            del self._end[: -self.kept]
        return bool(piece)


@contextmanager
def output(kept: int, most: int) -> Iterator[Output]:
    """A pipe for a program to talk into, for the time of the context."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    made = Output(reading, writing, kept, most)
    try:
        yield made
    finally:
        os.close(reading)
        made.close_writing()
