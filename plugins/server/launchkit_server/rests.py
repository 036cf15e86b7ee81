"""What still comes behind an answer: some of it is thrown away, so that who sends it reads the
answer. A connection that is closed while more comes is reset, and the answer is lost with it.
"""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any

from launchkit_server.heads import BoundedConnection

REST_SECONDS = 2.0
"""How long one may go on sending behind an answer."""
PIECE = 256 * 2**10
"""Bytes that are thrown away at once, unread."""
PIECE_SECONDS = 0.01
"""How often, of all connections together, one more piece of one of them is."""


class Rests:
    """The connections over which more may come. They take turns: however many send however much, it
    costs a small part of the event loop's time.
    """

    def __init__(self) -> None:
        self.buffer = bytearray(PIECE)
        self._waiting: deque[asyncio.Transport] = deque()
        self._next: asyncio.TimerHandle | None = None

    def wait(self, transport: asyncio.Transport) -> None:
        """Let nothing come until it is the turn of this one."""
        transport.pause_reading()
        self._waiting.append(transport)
        if self._next is None:
            self._let_one_soon()

    def _let_one_soon(self) -> None:
        self._next = asyncio.get_running_loop().call_later(PIECE_SECONDS, self._let_one)

    def _let_one(self) -> None:
        self._next = None
        while self._waiting:
            transport = self._waiting.popleft()
            if not transport.is_closing():
                self._let_one_soon()
                transport.resume_reading()
                return


class Ending:
    """A transport that closes at once only when no more may come of what is answered."""

    def __init__(self, transport: asyncio.Transport, conn: BoundedConnection, rests: Rests) -> None:
        self._transport = transport
        self._conn = conn
        self._rests = rests
        self._ends = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Whether nothing is answered over it any more."""
        return self._ends or self._transport.is_closing()

    def close(self) -> None:
        """Close it, after what is to be sent and a rest of what comes."""
        if self.is_closing() or not self._conn.more_comes:
            self._transport.close()
            return
        self._ends = True
        self._transport.set_protocol(
            _Rest(self._transport, self._transport.get_protocol(), self._rests)
        )
        self._transport.resume_reading()
        if self._transport.can_write_eof():  # with TLS it cannot
            with suppress(OSError):  # the other side has gone
                self._transport.write_eof()


class _Rest(asyncio.BufferedProtocol):
    def __init__(
        self, transport: asyncio.Transport, protocol: asyncio.BaseProtocol, rests: Rests
    ) -> None:
        self._transport = transport
        self._protocol = protocol
        self._rests = rests
        self._ends = asyncio.get_running_loop().call_later(REST_SECONDS, transport.close)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._rests.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._rests.wait(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ends.cancel()
        self._protocol.connection_lost(exc)
