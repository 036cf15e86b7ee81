"""A gateway before a server of HTTP/1.1: it numbers requests, and does one thing with some."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import h11

from launchkit.testing.counterparts.counterpart import kind_of

CHUNK = 65536
RETRY_AFTER_SECONDS = 1
READS = ("GET ", "HEAD ")
"""How requests begin that change nothing."""
AWS_READS = (b"Describe", b"Get", b"List", b"BatchGet")
"""How the names of operations begin that change nothing."""
Act = Callable[[], Awaitable[None]]


async def nothing() -> None:
    """Change nothing."""


async def hang_up() -> None:
    """Break the connection. :raises ConnectionAbortedError: always."""
    raise ConnectionAbortedError


@dataclass(frozen=True)
class Intervention:
    """What happens to the next *times* requests of a kind; a connection is broken by an OSError."""

    kind: str
    """Such as `GET /containers/*/json`."""
    times: int = 1
    before: Act = nothing
    """Done before it is forwarded."""
    during: Act = nothing
    """Done when its answer has begun, before anything of it is given."""
    after: Act = nothing
    """Done when all of its answer was given."""
    twice: bool = False
    """Whether it is forwarded twice; the second answer is given."""
    throttled: bool = False
    """Whether it is answered 429 with `Retry-After: 1` instead."""


@dataclass(frozen=True)
class Asked:
    """One request, whole."""

    head: h11.Request
    body: bytes

    @property
    def kind(self) -> str:
        """Its method and path, without names; or its operation, as AWS has it in a header, where
        all are sent to one path.
        """
        if target := self._operation:
            verb = "GET" if target.startswith(AWS_READS) else "POST"
            return f"{verb} {target.decode(errors='replace')}"
        path = self.head.target.partition(b"?")[0]
        return kind_of(f"{self.head.method.decode()} {path.decode(errors='replace')}")

    @property
    def key(self) -> tuple[bytes, bytes]:
        """What makes it the same request as another: its method and target, and its operation."""
        return self.head.method, self.head.target + self._operation

    @property
    def _operation(self) -> bytes:
        """Such as `CreateTrainingJob`; empty if no header names one."""
        named = (value for name, value in self.head.headers if name == b"x-amz-target")
        return next(named, b"").rpartition(b".")[2]


@dataclass(eq=False)
class Side:
    """One end of a connection, at which this is the server or the client."""

    http: h11.Connection
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def event(self) -> h11.Event | type[h11.PAUSED]:
        """The next event."""
        while (event := self.http.next_event()) is h11.NEED_DATA:
            self.http.receive_data(await self.reader.read(CHUNK))
        return event  # type: ignore[return-value] # NEED_DATA is none

    async def send(self, *events: h11.Event) -> None:
        """Say them."""
        for event in events:
            if data := self.http.send(event):
                self.writer.write(data)
        await self.writer.drain()


@dataclass(eq=False)
class Gateway:
    """Forwards to *server*, which is `host:port` or the path of a Unix socket."""

    server: str | Path
    tls: ssl.SSLContext | None = None
    """How a server is spoken to whose connections are encrypted; ours are not."""
    host: str = ""
    """`host:port` at which it listens."""
    kinds: list[str] = field(default_factory=list)
    """The kind of each request, in order."""
    interventions: list[Intervention] = field(default_factory=list)
    """What is to happen."""
    happened: list[Intervention] = field(default_factory=list)
    """What has happened."""
    hasty: list[str] = field(default_factory=list)
    """The kind of each request that came again sooner than `Retry-After` had told."""
    _silences: dict[tuple[bytes, bytes], float] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward the requests of a connection, one after the other."""
        side = Side(h11.Connection(h11.SERVER), reader, writer)
        try:
            with closing(writer):
                await self._converse(side)
        except* (OSError, h11.ProtocolError):
            pass  # either side has hung up, or we have

    async def _converse(self, side: Side) -> None:
        while asked := await _asked(side):
            self.kinds.append(asked.kind)
            if self._silences.get(asked.key, 0.0) > anyio.current_time():
                self.hasty.append(asked.kind)
            await self._answer(side, asked, self._next(asked.kind))
            if side.http.our_state is not h11.DONE:
                return
            side.http.start_next_cycle()

    def _next(self, kind: str) -> Intervention:
        for one in self.interventions:
            if one.kind == kind and self.happened.count(one) < one.times:
                self.happened.append(one)
                return one
        return Intervention(kind)

    async def _answer(self, side: Side, asked: Asked, what: Intervention) -> None:
        await what.before()
        if what.throttled:
            self._silences[asked.key] = anyio.current_time() + RETRY_AFTER_SECONDS
            await side.send(*_too_many())
            return
        if what.twice:
            async with self._forwarded(asked) as server:
                await _head(server)
        async with self._forwarded(asked) as server, anyio.create_task_group() as tasks:
            tasks.start_soon(_watch, side)
            head = await _head(server)
            await what.during()
            await side.send(head)
            while not isinstance(event := await server.event(), h11.EndOfMessage):
                assert isinstance(event, h11.Data)
                await side.send(h11.Data(data=event.data))
            tasks.cancel_scope.cancel()
        await side.send(h11.EndOfMessage())
        await what.after()

    @asynccontextmanager
    async def _forwarded(self, asked: Asked) -> AsyncIterator[Side]:
        reader, writer = await self._connect()
        with _cut_off(writer):
            server = Side(h11.Connection(h11.CLIENT), reader, writer)
            body = [h11.Data(data=asked.body)] if asked.body else []
            await server.send(asked.head, *body, h11.EndOfMessage())
            yield server

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.server, Path):
            return await asyncio.open_unix_connection(self.server)
        host, _, port = self.server.rpartition(":")
        return await asyncio.open_connection(host, int(port), ssl=self.tls)


@asynccontextmanager
async def gateway(
    server: str | Path, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Gateway]:
    """A gateway to a server, on a port of this machine, for the time of a context."""
    made = Gateway(server, tls)
    async with anyio.create_task_group() as tasks:

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.start_soon(made.serve, reader, writer)

        listener = await asyncio.start_server(accept, "127.0.0.1", 0)
        made.host = f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        with closing(listener):
            yield made
        tasks.cancel_scope.cancel()
    await anyio.lowlevel.checkpoint()  # connections that were cut off go now


@contextmanager
def _cut_off(writer: asyncio.StreamWriter) -> Iterator[None]:
    """End a connection at the end without a polite end of TLS: a server that goes on to tell, such
    as of a watch, need not answer that for long.
    """
    try:
        yield
    finally:
        writer.transport.abort()


async def _asked(side: Side) -> Asked | None:
    head = await side.event()
    if not isinstance(head, h11.Request):
        return None
    body = b""
    while isinstance(event := await side.event(), h11.Data):
        body += event.data
    return Asked(head, body)


async def _head(server: Side) -> h11.Response:
    while not isinstance(event := await server.event(), h11.Response):
        if not isinstance(event, h11.InformationalResponse):
            raise ConnectionAbortedError(str(event))
    return event


async def _watch(side: Side) -> None:
    """Break the connection when the one who asked hangs up, whom no answer may reach for long."""
    while data := await side.reader.read(CHUNK):
        side.http.receive_data(data)
    raise ConnectionResetError


def _too_many() -> tuple[h11.Event, ...]:
    body = b'{"message": "too many requests"}'
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Retry-After", str(RETRY_AFTER_SECONDS)),
    ]
    head = h11.Response(status_code=429, headers=headers, reason=b"Too Many Requests")
    return head, h11.Data(data=body), h11.EndOfMessage()
