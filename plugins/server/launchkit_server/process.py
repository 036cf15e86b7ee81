"""The process: a socket, uvicorn, signals, and an end that hands back what waits."""

import gc
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio
import uvicorn

from launchkit.errors import ConfigError
from launchkit_server.app import make_app
from launchkit_server.connections import (
    KEEP_ALIVE_SECONDS,
    Bounds,
    Connections,
    Listener,
    protocol_of,
)
from launchkit_server.door import SILENT_SECONDS, Door, allow_many_connections, give_up_on_silent
from launchkit_server.service import Service

BACKLOG = 1024
"""How many connections may wait to be taken up."""
GRACE_SECONDS = 10
"""How long requests that are under way may take to end."""


class _Server(uvicorn.Server):
    def __init__(self, service: Service, door: Door) -> None:
        bounds = door.connections or Bounds.of_open_files()
        self._connections = Connections(bounds, door.trusted_proxies)
        config = uvicorn.Config(
            make_app(service, door.limits, door.root_path),
            http=protocol_of(self._connections),
            backlog=BACKLOG,
            lifespan="off",
            ws="none",  # what is asked so would go past the envelope
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
            **door.settings(),
        )
        super().__init__(config)
        self._service = service

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Heed signals, and do not die of them after the end: there is more to close."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()

    async def answer(self, made: socket.socket) -> None:
        """Answer whoever comes to a listening socket, which is taken over."""
        with Listener(made, self._connections) as listener:
            await self.serve([listener])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer those who wait, then end."""
        self._service.hand_back()
        await super().shutdown(sockets)


def listening(host: str, port: int, silent_seconds: float = SILENT_SECONDS) -> socket.socket:
    """A socket at an address; the system closes its connections when a client reads nothing for
    *silent_seconds*.

    :raises ConfigError: if it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends without delay (Nagle's) only for sockets that say that they are TCP.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except (OSError, TypeError) as exc:  # of what no name of a host can be
        made.close()
        raise ConfigError(
            f"cannot listen at {host}:{port}: {getattr(exc, 'strerror', None) or exc}",
            hint="choose another --host or --port; is a queue service running already?",
        ) from exc
    give_up_on_silent(made, silent_seconds)
    made.listen(BACKLOG)
    return made


def url_of(made: socket.socket, scheme: str = "http") -> str:
    """The URL that a listening socket is reached at."""
    host, port = made.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


async def serve(service: Service, made: socket.socket, door: Door) -> None:
    """Answer requests until a signal says that it is enough."""
    allow_many_connections()
    server = _Server(service, door)
    gc.collect()
    gc.freeze()  # what is there by now stays: no collection needs to look through it
    await server.answer(made)


@asynccontextmanager
async def served(
    service: Service, made: socket.socket, door: Door | None = None
) -> AsyncIterator[str]:
    """The URL of a service that answers for the time of the context."""
    door = door or Door()
    server, url = _Server(service, door), url_of(made, door.scheme)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.answer, made)
        try:
            yield url
        finally:
            server.should_exit = True
