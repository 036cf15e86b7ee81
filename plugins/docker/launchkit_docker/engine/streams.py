"""Calls of the Engine that answer for as long as the caller listens."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiodocker import Docker, DockerError
from aiohttp import ClientResponse, ClientTimeout, StreamReader

LINE_BYTES = 1 << 24
"""An event has all labels of its container, and a message of a build what a step prints."""


@asynccontextmanager
async def streamed(
    engine: Docker, path: str, params: Mapping[str, str]
) -> AsyncIterator[ClientResponse]:
    """Get, with no limit of time; leaving early hangs up.

    :raises DockerError: if the Engine refuses at once, or cannot be reached.
    """
    async with engine._query(  # noqa: SLF001 - the public calls decode what they get
        path, params=dict(params), timeout=ClientTimeout()
    ) as response:
        try:
            yield response
        finally:
            response.close()


async def whole_lines(stream: StreamReader) -> AsyncGenerator[list[bytes], None]:
    """The lines that have come to their end, with each piece that comes.

    :raises DockerError: if one is longer than `LINE_BYTES`.
    """
    rest = bytearray()
    async for piece in stream.iter_any():
        first, *others = piece.split(b"\n")
        rest += first
        if len(rest) > LINE_BYTES:
            raise DockerError(0, f"the Engine says more than {LINE_BYTES >> 20} MiB in one line")
        if others:
            yield [bytes(rest), *others[:-1]]
            rest = bytearray(others[-1])
