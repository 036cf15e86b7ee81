"""Answers of servers that nobody vouches for: what comes of one before its body has an end, and is
read little by little.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpcore
import httpx

MOST_BEFORE_BODY = 32 * 1024
"""Bytes of the head, and of all answers before it that say nothing yet, once they are decrypted.
Other clients take at least 16 KiB."""
PIECE_BYTES = 1024
"""Are read at once of what has an end: each may hold many such answers, or pieces of a body."""


class BoundedAnswers(httpx.AsyncHTTPTransport):
    """Takes answers over a *network* that begin soon; with *most*, no more bytes of each than that.
    Of others it raises `httpx.ReadError`.
    """

    def __init__(
        self,
        *,
        most: int | None = None,
        network: httpcore.AsyncNetworkBackend | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        # httpx has no word for the network of a transport.
        self._pool._network_backend = _Network(network or httpcore.AnyIOBackend(), most)  # noqa: SLF001

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it, and read until the body begins."""
        response = await super().handle_async_request(request)
        stream: _Stream = response.extensions["network_stream"]
        stream.begin_body()
        return response


@dataclass(frozen=True)
class _Network(httpcore.AsyncNetworkBackend):
    network: httpcore.AsyncNetworkBackend
    most: int | None

    async def connect_tcp(self, *where: Any, **how: Any) -> httpcore.AsyncNetworkStream:
        return _Stream(await self.network.connect_tcp(*where, **how), self.most)


@dataclass
class _Stream(httpcore.AsyncNetworkStream):
    stream: httpcore.AsyncNetworkStream
    most: int | None
    _came: int = field(init=False, default=0)
    _is_body: bool = field(init=False, default=False)

    def begin_body(self) -> None:
        self._is_body = True

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _told_as(httpcore.ReadError):
            data = await self.stream.read(self._allowed(max_bytes), timeout)
        self._came += len(data)
        return data

    def _allowed(self, wanted: int) -> int:
        before = min(MOST_BEFORE_BODY, self.most or MOST_BEFORE_BODY)
        most = self.most if self._is_body else before
        if most is None:
            return wanted
        if self._came >= most:
            where = "" if self._is_body else " before the body of an answer"
            raise httpcore.ReadError(f"more than {most} bytes came{where}")
        return min(wanted, PIECE_BYTES, most - self._came)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._came, self._is_body = 0, False
        with _told_as(httpcore.WriteError):
            await self.stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self.stream.aclose()

    async def start_tls(self, *how: Any, **more: Any) -> httpcore.AsyncNetworkStream:
        return _Stream(await self.stream.start_tls(*how, **more), self.most)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


@contextmanager
def _told_as(error: type[httpcore.NetworkError]) -> Iterator[None]:
    """What TLS says once it has begun, for which httpcore has no word."""
    try:
        yield
    except ssl.SSLError as exc:
        raise error(str(exc)) from exc
