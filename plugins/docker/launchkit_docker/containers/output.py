"""What a container prints, as raw bytes from any offset on."""

from asyncio import IncompleteReadError
from collections.abc import AsyncGenerator
from contextlib import aclosing

import anyio
from aiodocker import Docker
from aiohttp import StreamReader

from launchkit.plain_text import LINES, TAIL_BYTES
from launchkit_docker.engine.streams import streamed

HEADER = 8
"""Bytes before each piece: the stream's number, three zeros, and the length (Engine API,
`ContainerAttach`)."""
AT_ONCE_BYTES = 1 << 16
LAST_BYTES = 2 * TAIL_BYTES
LAST_SECONDS = 10.0
"""How long the last lines may take: they may be long, and the Engine busy."""


async def output(
    engine: Docker, name: str, *, tty: bool, follow: bool, tail: str = "all"
) -> AsyncGenerator[bytes, None]:
    """The pieces of stdout and stderr in the order in which the Engine stored them.

    :raises DockerError: if there is no such container, or its log driver keeps nothing.
    :raises ClientError: if the Engine hangs up in the middle of a piece.
    """
    params = {"stdout": "1", "stderr": "1", "follow": str(int(follow)), "tail": tail}
    async with streamed(engine, f"containers/{name}/logs", params) as response:
        pieces = response.content.iter_any() if tty else _pieces(response.content)
        async for piece in pieces:
            yield piece


async def _pieces(stream: StreamReader) -> AsyncGenerator[bytes, None]:
    while True:
        header = await stream.read(1)
        if not header:
            return
        header += await stream.readexactly(HEADER - 1)
        left = int.from_bytes(header[4:], "big")
        while left:
            piece = await stream.read(min(left, AT_ONCE_BYTES))
            if not piece:
                raise IncompleteReadError(b"", left)
            left -= len(piece)
            yield piece


async def last_output(engine: Docker, name: str, *, tty: bool) -> bytes:
    """The last lines that a container printed, of them at most `LAST_BYTES`; nothing if the
    Engine does not tell them within `LAST_SECONDS`.
    """
    last = bytearray()
    with anyio.move_on_after(LAST_SECONDS):
        async with aclosing(output(engine, name, tty=tty, follow=False, tail=str(LINES))) as pieces:
            async for piece in pieces:
                last += piece
                del last[:-LAST_BYTES]
        return bytes(last)
    return b""
