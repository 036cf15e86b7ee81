"""A way between a plugin and a real server, which tests can cut, hold and slow down."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from launchkit.errors import unwrapped

CHUNK = 65536
REQUEST = re.compile(rb"([A-Z]+ /\S*) HTTP/1\.1\r\n")


@dataclass(eq=False)
class Way:
    """A connection through a relay, and what was last asked on it."""

    request: str = ""
    """Such as `GET /path`; empty before the first, and always where it is not plain HTTP/1.1."""
    waits: bool = False
    """Its answer has not begun."""
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope, repr=False)


class Relay:
    """Forwards connections to a server; requests are plain HTTP/1.1, or one does for all.

    *server* is `host:port`, or the path of a Unix socket. A *word* selects the requests with it in
    their method and path, such as `POST /jobs`; the empty one selects all, and all that is not
    HTTP. It uses asyncio's own streams: with anyio's for Unix sockets, a read that is cancelled in
    the moment in which something comes is an error of the event loop.
    """

    def __init__(self, server: str | Path) -> None:
        self.host = ""
        """`host:port` at which it listens."""
        self.answered: list[str] = []
        """Each request, as soon as its answer begins."""
        self.held: list[str] = []
        """Each request that had to wait."""
        self._server = server
        self._ways: set[Way] = set()
        self._hold: str | None = None
        self._swallowed: str | None = None
        self._gate = anyio.Event()
        self._delay = (0.0, "")
        self._lost: list[str] = []
        self._ends: list[bytes] = []

    def count(self, word: str = "") -> int:
        """How many such requests were answered."""
        return sum(word in request for request in self.answered)

    def cut(self, word: str = "") -> None:
        """Break the connections on which such a request was the last."""
        for way in self._ways:
            if word in way.request:
                way.scope.cancel()

    def hold(self, word: str = "") -> None:
        """Let such requests wait until `open`, and what comes of their answers too."""
        self._hold = word

    def shut(self, word: str = "") -> None:
        """Cut and hold: as if the server were away."""
        self.hold(word)
        self.cut(word)

    def open(self) -> None:
        """Let all through that is held."""
        self._hold = None
        self._gate.set()
        self._gate = anyio.Event()

    def swallow(self, word: str = "") -> None:
        """Let no more than the beginning of each answer to such a request through, from now on."""
        self._swallowed = word

    def delay(self, seconds: float, word: str = "") -> None:
        """Let each such request wait so long, from now on; 0 ends it."""
        self._delay = (seconds, word)

    def lose_answer(self, word: str = "") -> None:
        """Break the connection of the next such request when its answer begins: the server has
        done it, and the client cannot know.
        """
        self._lost.append(word)

    def break_before(self, *texts: bytes) -> None:
        """Break a connection before the server says the first of *texts*, another before it says
        the next, and so on.
        """
        self._ends += texts

    async def on_request(self, way: Way, data: bytes) -> None:
        """Done with each piece of a request before it goes on; an OSError breaks the connection."""
        if found := REQUEST.match(data):
            way.request, way.waits = found[1].decode(errors="replace"), True
            seconds, word = self._delay
            if seconds and word in way.request:
                await anyio.sleep(seconds)
        await self._pass(way, self.held)

    async def on_answer(self, way: Way, data: bytes) -> None:
        """Done with each piece of an answer before it goes on; an OSError breaks the connection."""
        await self._pass(way, [])
        if self._ends and self._ends[0] in data:
            raise ConnectionAbortedError(self._ends.pop(0))
        if not way.waits:
            return
        way.waits = False
        self.answered.append(way.request)
        for word in self._lost:
            if word in way.request:
                self._lost.remove(word)
                raise ConnectionAbortedError(way.request)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward a connection, as long as both sides want."""
        way = Way()
        with way.scope, suppress(OSError), unwrapped(), closing(writer):
            answers, server = await self._connect()
            with closing(server):
                async with anyio.create_task_group() as tasks:
                    self._ways.add(way)
                    tasks.start_soon(self._ask, way, reader, server)
                    try:
                        while data := await answers.read(CHUNK):
                            goes_on = not way.waits
                            await self.on_answer(way, data)
                            if not (goes_on and self._swallows(way)):
                                await _send(writer, data)
                    finally:
                        self._ways.discard(way)
                        tasks.cancel_scope.cancel()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._server, Path):
            return await asyncio.open_unix_connection(self._server)
        host, _, port = self._server.rpartition(":")
        return await asyncio.open_connection(host, int(port))

    async def _ask(
        self, way: Way, reader: asyncio.StreamReader, server: asyncio.StreamWriter
    ) -> None:
        try:
            while data := await reader.read(CHUNK):
                await self.on_request(way, data)
                await _send(server, data)
            server.write_eof()
        except OSError:
            way.scope.cancel()

    def _swallows(self, way: Way) -> bool:
        return self._swallowed is not None and self._swallowed in way.request

    async def _pass(self, way: Way, held: list[str]) -> None:
        if self._hold is not None and self._hold in way.request:
            held.append(way.request)
        while self._hold is not None and self._hold in way.request:
            await self._gate.wait()


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


@asynccontextmanager
async def relay(server: str | Path | Relay, *, at: Path | None = None) -> AsyncIterator[Relay]:
    """A relay to a server, on a port of this machine, or *at* the path of a Unix socket. One that
    is given itself, such as one of a class of your own, is run.
    """
    made = server if isinstance(server, Relay) else Relay(server)
    async with anyio.create_task_group() as ways:

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            ways.start_soon(made.serve, reader, writer)

        if at is None:
            listener = await asyncio.start_server(accept, "127.0.0.1", 0)
            made.host = f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        else:
            listener = await asyncio.start_unix_server(accept, at)
        with closing(listener):
            yield made
        ways.cancel_scope.cancel()
