"""What one sends before it is a request: how long its head is, and of how many chunks its body."""

from collections.abc import Iterable

import h11

LONGEST_HEAD = 16 * 2**10
"""Bytes of a head, and of the fields behind a body in chunks; a piece more may come at once."""
PIECE = 16 * 2**10
"""Bytes that are looked at before it is known whether there are more than may be."""
MOST_LINES = 100
"""Of a head: each takes as long to read as some hundred letters."""
FEW_CHUNKS = 256
"""So many may be as short as one likes."""
SHORT_CHUNK = 256
"""Bytes that more of them have, one with the other: each takes as long to read."""
_TOO_LONG = f"the head of a request has at most {LONGEST_HEAD} bytes and {MOST_LINES} lines"
_TOO_MANY = (
    f"a body of more than {FEW_CHUNKS} chunks has {SHORT_CHUNK} bytes in each, one with the other"
)


class BoundedConnection(h11.Connection):
    """The protocol of a connection, over which no more is read at once than one needs to send."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, LONGEST_HEAD)
        self.objection: str | None = None
        """Why what came is not read, if it is too much."""
        self._unread = bytearray()
        self._lines = 0
        self._chunks = 0
        self._size = 0

    @property
    def more_comes(self) -> bool:
        """Whether more may come of what is no whole request, or none at all."""
        return self.objection is not None or self.their_state in {h11.SEND_BODY, h11.ERROR}

    def receive_data(self, data: bytes) -> None:
        """Take what came, for `next_event` to read."""
        self._unread += data

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """What comes next.

        :raises RemoteProtocolError: if it is no HTTP, or too much.
        """
        event = super().next_event()
        while event is h11.NEED_DATA and self._unread:
            piece = bytes(self._unread[:PIECE])
            del self._unread[:PIECE]
            super().receive_data(piece)
            event = self._next_of(piece)
        if isinstance(event, h11.Request):
            self._lines, self._chunks, self._size = 0, 0, 0
            self._require(len(event.headers) < MOST_LINES, _TOO_LONG)
        elif isinstance(event, h11.Data):
            self._count(event)
        return event

    def send(self, event: h11.Event) -> bytes | None:  # type: ignore[override]
        """What to send of an event; an answer to what has not come whole is the last one."""
        if isinstance(event, h11.Response) and self.their_state is h11.SEND_BODY:
            headers = [*event.headers, (b"connection", b"close")]
            event = h11.Response(
                status_code=event.status_code, headers=headers, reason=event.reason
            )
        return super().send(event)

    def _next_of(self, piece: bytes) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        is_head = self.their_state is h11.IDLE
        try:
            event = super().next_event()
        except h11.RemoteProtocolError as exc:
            if exc.error_status_hint == 431:
                self.objection = _TOO_LONG
            raise
        if event is h11.NEED_DATA and is_head:
            self._lines += piece.count(b"\n")
            self._require(self._lines < MOST_LINES, _TOO_LONG)
        return event

    def _count(self, data: h11.Data) -> None:
        if data.chunk_start:
            enough = self._size >= self._chunks * SHORT_CHUNK
            self._require(self._chunks < FEW_CHUNKS or enough, _TOO_MANY)
            self._chunks += 1
        self._size += len(data.data)

    def _require(self, fits: bool, objection: str) -> None:
        if not fits:
            self.objection = objection
            raise h11.RemoteProtocolError(objection, error_status_hint=431)


def readable(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of a request without the cookies that have a backslash, which is in none of ours:
    before 3.11.10 and 3.12.6 Python takes quadratic time to read them (CVE-2024-7592).
    """
    return [(name, _bare(value) if name == b"cookie" else value) for name, value in headers]


def _bare(cookies: bytes) -> bytes:
    return b";".join(one for one in cookies.split(b";") if b"\\" not in one)
