"""Connections: how many are open, how long one may ask for nothing, and which one goes for another.

They are counted where the system gives them, before TLS: one that says nothing counts, too.
"""

import asyncio
import logging
import resource
import select
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any, Self

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from launchkit_server.heads import BoundedConnection
from launchkit_server.rates import place_of
from launchkit_server.rests import Ending, Rests

log = logging.getLogger("launchkit.server")

KEEP_ALIVE_SECONDS = 75
"""Longer than the longest wait, so that an idle agent keeps its connection."""
HEAD_SECONDS = 10.0
"""How long the head of a request may take."""
TOLD_SECONDS = 60.0
"""How often the log says that there are too many."""
MOST = 16_384
_PROXIES = b"proxies"


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How many connections there may be, and how long each may ask for nothing."""

    most: int
    of_one: int
    """Of an address, or of an IPv6 network: four of them leave room for others. Trusted proxies may
    have all.
    """
    head_seconds: float = HEAD_SECONDS
    """From the beginning until the head of the first request is whole."""
    silent_seconds: float = KEEP_ALIVE_SECONDS + HEAD_SECONDS
    """From an answer until the head of the next request is whole."""

    @classmethod
    def of_open_files(cls) -> Self:
        """Half of what this process may have open: the rest is for what is done for them."""
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = MOST if files == resource.RLIM_INFINITY else min(MOST, files // 2)
        return cls(most=most, of_one=(most - 1) // 4)


class Connection(socket.socket):
    """An open connection."""

    transport: asyncio.Transport | None = None
    """None before TLS has begun."""
    ends: asyncio.TimerHandle | None = None
    """When it has asked for nothing for too long; None while it asks."""
    crowds: "tuple[_Crowd, ...]" = ()
    """Those that it counts among: none if it is to go."""

    def __init__(self, taken: socket.socket, among: "Connections") -> None:
        super().__init__(taken.family, taken.type, taken.proto, fileno=taken.detach())
        self._among = among

    def close(self) -> None:
        """Close it, and let that be known."""
        self._among.closed(self)
        super().close()

    def give_up(self) -> None:
        """Let it end, after what is to be sent yet."""
        if self.transport is None:
            self.abort()
        elif not self.transport.is_closing():  # closed twice, one with TLS could not be aborted
            self.transport.close()

    def abort(self) -> None:
        """Let it end at once."""
        if self.transport is not None:
            self.transport.abort()
            return
        with suppress(OSError):  # the other side has gone
            self.shutdown(socket.SHUT_RDWR)


@dataclass(kw_only=True)
class _Crowd:
    """Those of which there may be so many."""

    place: bytes
    most: int
    size: int = 0
    silent: OrderedDict[Connection, None] = field(default_factory=OrderedDict)
    """Those that ask for nothing; the one that has done so longest comes first."""


class Connections:
    """Those that are open. For one too many, the one that has asked for nothing for longest goes;
    if all ask for something, the new one.
    """

    def __init__(self, bounds: Bounds, proxies: Sequence[str] = ()) -> None:
        self._bounds = bounds
        self._proxies = [ip_network(one) for one in proxies]
        self._open: dict[int, Connection] = {}
        self._leaving: set[Connection] = set()
        """Those that go for another, and are not closed yet."""
        self._all = _Crowd(place=b"", most=bounds.most)
        self._of: dict[bytes, _Crowd] = {}
        self._told_until = 0.0

    @property
    def is_full(self) -> bool:
        """Whether there are as many as may be."""
        return len(self._open) >= self._bounds.most

    def makes_room(self) -> bool:
        """Whether one leaves for a new one."""
        return bool(self._leaving) or self._free(self._all)

    def admit(self, taken: socket.socket, host: str) -> Connection:
        """A new connection.

        :raises ConnectionAbortedError: if it is one too many.
        """
        crowd = self._crowd(host)
        if self.is_full or (crowd.size >= crowd.most and not self._free(crowd)):
            taken.close()
            raise ConnectionAbortedError
        connection = Connection(taken, self)
        self._open[connection.fileno()] = connection
        self._of[crowd.place] = crowd
        connection.crowds = (self._all, crowd)
        for one in connection.crowds:
            one.size += 1
        self._wait(connection, self._bounds.head_seconds, connection.abort)
        return connection

    def at(self, file: int) -> Connection:
        """The open one that is this file."""
        return self._open[file]

    def asks(self, connection: Connection) -> None:
        """The head of a request is whole."""
        if connection.ends is None:
            return
        connection.ends.cancel()
        connection.ends = None
        for crowd in connection.crowds:
            del crowd.silent[connection]

    def answered(self, connection: Connection) -> None:
        """What it asked for is answered."""
        if connection.crowds and connection.ends is None:
            self._wait(connection, self._bounds.silent_seconds, connection.give_up)

    def closed(self, connection: Connection) -> None:
        """It is open no more."""
        if self._open.pop(connection.fileno(), None) is not None:
            self._let_go(connection)
            self._leaving.discard(connection)

    def _wait(self, connection: Connection, seconds: float, end: Callable[[], None]) -> None:
        for crowd in connection.crowds:
            crowd.silent[connection] = None
        loop = asyncio.get_running_loop()
        connection.ends = loop.call_later(seconds, end)

    def _free(self, crowd: _Crowd) -> bool:
        """Close the one that has been silent longest; whether there is one."""
        self._tell()
        connection = next(iter(crowd.silent), None)
        if connection is None:
            return False
        self._leaving.add(connection)
        self._let_go(connection)
        connection.abort()
        return True

    def _let_go(self, connection: Connection) -> None:
        self.asks(connection)
        for crowd in connection.crowds:
            crowd.size -= 1
            if not crowd.size:
                self._of.pop(crowd.place, None)
        connection.crowds = ()

    def _crowd(self, host: str) -> _Crowd:
        """Those of an address."""
        if any(ip_address(host.partition("%")[0]) in network for network in self._proxies):
            return self._of.get(_PROXIES) or _Crowd(place=_PROXIES, most=self._bounds.most)
        place = place_of(host)
        return self._of.get(place) or _Crowd(place=place, most=self._bounds.of_one)

    def _tell(self) -> None:
        now = time.monotonic()
        if now >= self._told_until:
            self._told_until = now + TOLD_SECONDS
            few = (
                f"{self._bounds.most} connections may be open, {self._bounds.of_one} of one address"
            )
            log.warning("%s: the silent ones are closed for new ones", few)


class Listener(socket.socket):
    """A listening socket that takes up only as many connections as there may be."""

    def __init__(self, made: socket.socket, connections: Connections) -> None:
        super().__init__(made.family, made.type, made.proto, fileno=made.detach())
        self._connections = connections

    def accept(self) -> tuple[Connection, Any]:
        """The next connection, and the address that it comes from.

        :raises BlockingIOError: if there is none now, or it waits until another has left.
        :raises ConnectionAbortedError: if it is one too many.
        """
        if self._connections.is_full and self._somebody_waits() and self._connections.makes_room():
            raise BlockingIOError
        taken, address = super().accept()
        return self._connections.admit(taken, address[0]), address

    def _somebody_waits(self) -> bool:
        poll = select.poll()
        poll.register(self, select.POLLIN)
        return bool(poll.poll(0))


def protocol_of(connections: Connections) -> type[asyncio.Protocol]:
    """HTTP that tells which connections ask for something, and reads no more than may come."""
    rests = Rests()

    class Protocol(H11Protocol):
        conn: BoundedConnection

        def __init__(self, *given: Any, **more: Any) -> None:
            super().__init__(*given, **more)
            self.conn = BoundedConnection()

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            self._connection = connections.at(transport.get_extra_info("socket").fileno())
            self._connection.transport = transport
            super().connection_made(Ending(transport, self.conn, rests))  # type: ignore[arg-type]

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._look()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._look()

        def send_400_response(self, msg: str) -> None:
            if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
                _lose(self.cycle)
                super().send_400_response(self.conn.objection or msg)
            else:  # something else is answered by now
                self.transport.abort()

        def _should_upgrade(self) -> bool:
            return False  # nor does a line of the log tell of it

        def _look(self) -> None:
            if self.conn.our_state in {h11.SEND_RESPONSE, h11.SEND_BODY}:
                connections.asks(self._connection)
            else:
                connections.answered(self._connection)

    return Protocol


def _lose(cycle: RequestResponseCycle | None) -> None:
    """Let what answers a request know, if something does, that nobody is there for it."""
    if cycle is not None:
        cycle.disconnected = True
        cycle.message_event.set()
