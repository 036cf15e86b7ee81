"""TLS, record by record: a connection of which too many bring no data is given up.

OpenSSL takes in whatever has come, makes new keys for each message that asks for them (KeyUpdate),
and shows none of that: so it is given no more than one record at a time.
"""

import ssl
from collections.abc import Callable
from functools import partial
from typing import Any, Self, TypeVar

T = TypeVar("T")

MOST_WITHOUT_DATA = 32
"""Of a connection, its handshake included, which has a handful. New keys are due after many GiB."""
_HEAD = 5
"""Bytes: the kind, the version, and the length of what follows (RFC 8446, 5.1)."""


class _Records:
    """What comes over a connection, handed on up to the end of a record."""

    def __init__(self, came: ssl.MemoryBIO) -> None:
        self.one = ssl.MemoryBIO()
        self._came = came
        self._head = b""
        self._left = 0

    def hand_on(self) -> bool:
        """Hand on what there is of one record, once the last one was taken; whether all of it is
        there.
        """
        if self._came.eof:
            self.one.write_eof()
        if not self._left:
            if self.one.pending:
                return True
            self._head += self._came.read(_HEAD - len(self._head))
            if len(self._head) < _HEAD:
                return False
            self.one.write(self._head)
            self._left = int.from_bytes(self._head[3:])
            self._head = b""
        part = self._came.read(self._left)
        self.one.write(part)
        self._left -= len(part)
        return not self._left


class _Spoken(ssl.SSLObject):
    """TLS of one connection."""

    _records: _Records
    _without_data = 0

    @classmethod
    def _create(cls, incoming: ssl.MemoryBIO, *more: Any, **options: Any) -> Self:
        records = _Records(incoming)
        made: Self = super()._create(records.one, *more, **options)  # type: ignore[misc]
        made._records = records
        return made

    def do_handshake(self) -> None:
        self._do(super().do_handshake)

    def read(self, *wanted: Any, **named: Any) -> Any:
        return self._do(partial(super().read, *wanted, **named))

    def write(self, data: Any) -> int:
        return self._do(partial(super().write, data))

    def unwrap(self) -> None:
        self._do(super().unwrap)

    def _do(self, step: Callable[[], T]) -> T:
        """Do what wants records; one that leaves it wanting has brought nothing.

        :raises ssl.SSLError: if there were too many of these.
        """
        while True:
            is_whole = self._records.hand_on()
            try:
                return step()
            except ssl.SSLWantReadError:
                if not is_whole:
                    raise
            self._without_data += 1
            if self._without_data > MOST_WITHOUT_DATA:
                raise ssl.SSLError(ssl.SSL_ERROR_SSL, "too many TLS records without data")


def by_records(context: ssl.SSLContext) -> ssl.SSLContext:
    """Have *context* speak so over all connections to come, of which asyncio or anyio reads."""
    context.sslobject_class = _Spoken
    return context
