"""A very small HTTP server: GET of a few paths, one request to a connection."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass

import anyio
import h11
from anyio.abc import ByteStream, SocketAttribute, SocketStream, TaskGroup
from anyio.streams.stapled import MultiListener

from launchkit.errors import ConfigError
from launchkit.observe.watchdog import Check

log = logging.getLogger("launchkit.observe")

HEAD_BYTES = 8192
REQUEST_SECONDS = 5.0
CONNECTIONS = 128
AGAIN_SECONDS = 1.0


@dataclass(frozen=True)
class Page:
    """What a path answers."""

    status: int
    content_type: str
    body: bytes


def health(checks: Mapping[str, Check]) -> Page:
    """A page that says whether all is well, and each check."""
    ok = all(check.ok for check in checks.values())
    data = {"ok": ok, "checks": {name: asdict(check) for name, check in checks.items()}}
    return Page(200 if ok else 503, "application/json", json.dumps(data).encode())


Pages = Mapping[str, Callable[[], Page]]


class HttpServer:
    """Serves pages on a port; 0 takes a free one."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._served: dict[anyio.CancelScope, None] = {}

    async def listen(self, host: str, port: int, tasks: TaskGroup) -> int:
        """Listen, and serve as a task of *tasks*; gives the port.

        :raises ConfigError: if the address cannot be had.
        """
        try:
            listener = await anyio.create_tcp_listener(local_host=host, local_port=port)
        except (OSError, UnicodeError) as exc:  # of what no name of a host can be
            raise ConfigError(
                f"metrics_port: cannot listen on {host}:{port}:"
                f" {getattr(exc, 'strerror', None) or exc}",
                hint="choose another port or metrics_host; port 0 takes a free one",
            ) from exc
        tasks.start_soon(self._listen, listener)
        return listener.extra(SocketAttribute.local_port)  # noqa: S610 - not Django's

    async def _listen(self, listener: MultiListener[SocketStream]) -> None:
        """What goes wrong here ends no agent: it is served again."""
        async with listener:
            while True:
                try:
                    await listener.serve(self._serve)
                except* OSError as failed:
                    log.warning("metrics and health: %s", failed.exceptions[0])
                await anyio.sleep(AGAIN_SECONDS)

    async def _serve(self, stream: ByteStream) -> None:
        async with stream:
            with (
                anyio.move_on_after(REQUEST_SECONDS) as scope,
                self._place(scope),
                suppress(anyio.BrokenResourceError, h11.RemoteProtocolError),
            ):
                await self._exchange(stream)

    @contextmanager
    def _place(self, scope: anyio.CancelScope) -> Iterator[None]:
        """Whoever comes is served: for one too many, the one who has been silent longest goes."""
        if len(self._served) >= CONNECTIONS:
            oldest = next(iter(self._served))
            del self._served[oldest]
            oldest.cancel()
        self._served[scope] = None
        try:
            yield
        finally:
            self._served.pop(scope, None)

    async def _exchange(self, stream: ByteStream) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
        while (event := connection.next_event()) is h11.NEED_DATA:
            try:
                connection.receive_data(await stream.receive())
            except anyio.EndOfStream:
                connection.receive_data(b"")
        if isinstance(event, h11.Request):
            await stream.send(self._answer(connection, event))
            await stream.send_eof()

    def _answer(self, connection: h11.Connection, request: h11.Request) -> bytes:
        page = self._page(request.method, request.target.partition(b"?")[0].decode())
        headers = [("content-type", page.content_type), ("content-length", str(len(page.body)))]
        headers.append(("connection", "close"))
        if page.status == 405:
            headers.append(("allow", "GET"))
        head = connection.send(h11.Response(status_code=page.status, headers=headers)) or b""
        return head + page.body

    def _page(self, method: bytes, path: str) -> Page:
        if path not in self._pages:
            return Page(404, "text/plain", b"no such page\n")
        if method != b"GET":
            return Page(405, "text/plain", b"GET only\n")
        return self._pages[path]()
