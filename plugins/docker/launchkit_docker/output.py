"""What a container prints, as raw bytes from any offset on."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from aiodocker import Docker
from aiohttp import StreamReader

from launchkit_docker.streams import streamed

HEADER = 8
"""Bytes before each piece: the stream's number, three zeros, and the length (Engine API,
`ContainerAttach`)."""


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
        yield await stream.readexactly(int.from_bytes(header[4:], "big"))


async def last_output(engine: Docker, name: str, *, tty: bool, lines: int) -> bytes:
    """The last lines that a container printed."""
    async with aclosing(output(engine, name, tty=tty, follow=False, tail=str(lines))) as pieces:
        return b"".join([piece async for piece in pieces])
