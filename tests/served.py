"""Servers for tests that run in threads of their own, and their certificates."""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from anyio.from_thread import start_blocking_portal

if TYPE_CHECKING:
    from aiohttp import web


@contextmanager
def served(app: "web.Application", certificate: Path | None = None) -> Iterator[int]:
    """The port of this machine on which *app* is served, for the time of the context."""
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(_serving(app, context)) as port,
    ):
        yield port


@contextmanager
def answered_by(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The host and port of this machine where a class of `http.server` answers meanwhile."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def certify(folder: Path) -> Path:
    """A certificate of this machine with its key; beside it stands its authority, `ca.pem`."""
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(
        folder / "host.pem"
    )
    return folder / "host.pem"


@asynccontextmanager
async def _serving(app: "web.Application", context: ssl.SSLContext | None) -> AsyncIterator[int]:
    from aiohttp import web

    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        yield site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    finally:
        await runner.cleanup()
