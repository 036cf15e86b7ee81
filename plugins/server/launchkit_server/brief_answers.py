"""Answers of servers that nobody vouches for: no more is read of one than it may have, with all
that comes before its head, and little at once.
"""

import ssl
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from launchkit_server.look_ups import LookUps

MOST_BYTES = 16 * 1024
"""Of all that a server sends over a connection, once it is decrypted."""
PIECE_BYTES = 1024
"""Are read at once: each may hold many heads of answers that say nothing yet."""


class BriefAnswers(httpx.AsyncHTTPTransport):
    """Sends each request over a connection of its own, over which little may come back; with more
    it raises `httpx.ReadError`.
    """

    def __init__(
        self,
        look_ups: LookUps,
        *,
        verify: ssl.SSLContext,
        limits: httpx.Limits,
        proxy: httpx.Proxy | None = None,
    ) -> None:
        super().__init__(verify=verify, limits=limits, proxy=proxy)
        # httpx has no word for the network of a transport.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=verify,
            proxy=_proxy(proxy),
            max_keepalive_connections=0,
            network_backend=_BriefNetwork(httpcore.AnyIOBackend(), look_ups),
        )


def _proxy(given: httpx.Proxy | None) -> httpcore.Proxy | None:
    if given is None:
        return None
    return httpcore.Proxy(
        str(given.url),
        auth=given.raw_auth,
        headers=given.headers.raw,
        ssl_context=given.ssl_context,
    )


@dataclass(frozen=True)
class _BriefNetwork(httpcore.AsyncNetworkBackend):
    network: httpcore.AsyncNetworkBackend
    look_ups: LookUps

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            addresses = await self.look_ups.addresses(host, port)
        except OSError as exc:
            raise httpcore.ConnectError(str(exc)) from exc
        for address in addresses[:-1]:
            with suppress(httpcore.ConnectError):
                return await self._stream(address, port, timeout, local_address, socket_options)
        return await self._stream(addresses[-1], port, timeout, local_address, socket_options)

    async def _stream(self, *wanted: Any) -> httpcore.AsyncNetworkStream:
        return _BriefStream(await self.network.connect_tcp(*wanted))


@dataclass
class _BriefStream(httpcore.AsyncNetworkStream):
    stream: httpcore.AsyncNetworkStream
    left: int = MOST_BYTES

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if not self.left:
            raise httpcore.ReadError(f"more than {MOST_BYTES} bytes came")
        data = await self.stream.read(min(max_bytes, PIECE_BYTES, self.left), timeout)
        self.left -= len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self.stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self.stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _BriefStream(await self.stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)
