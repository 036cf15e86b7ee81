"""What a container prints, as raw bytes with the times at which the Engine stored them."""

import re
from asyncio import IncompleteReadError
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import lru_cache

import anyio
from aiohttp import StreamReader

from launchkit.plain_text import LINES, TAIL_BYTES
from launchkit.runners.log_following import Piece
from launchkit_docker.engine.client import EngineClient, EngineError

HEADER = 8
"""Bytes before each piece: the stream's number, three zeros, and the length (Engine API,
`ContainerAttach`)."""
STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ")
"""The time before each line: Docker's has nanoseconds and is in UTC, Podman's has seconds."""
AT_ONCE_BYTES = 1 << 16
LAST_BYTES = 2 * TAIL_BYTES
LAST_SECONDS = 10.0
"""How long the last lines may take: they may be long, and the Engine busy."""


@asynccontextmanager
async def stored_output(
    engine: EngineClient, name: str, *, tty: bool, since_ns: int | None, follow: bool
) -> AsyncIterator[AsyncIterator[Piece[int]]]:
    """The pieces of stdout and stderr in the order in which the Engine stored them; all of them, or
    those since a time. What a terminal shows has no times. With *follow* until the container ends:
    of one that has, Podman may then leave out the last ones.

    :raises EngineError: if there is no such container, its log driver keeps nothing, or the Engine
        hangs up.
    """
    params = {"stdout": "1", "stderr": "1"}
    if follow:
        params["follow"] = "1"
    if not tty:
        params["timestamps"] = "1"
    if since_ns is not None:
        seconds, nanoseconds = divmod(since_ns, 10**9)
        params["since"] = f"{seconds}.{nanoseconds:09}"
    async with engine.request(f"containers/{name}/logs", params=params) as response:
        yield _shown(response.content) if tty else _stamped(response.content)


async def last_output(engine: EngineClient, name: str, *, tty: bool) -> bytes:
    """The last lines that a container printed, of them at most `LAST_BYTES`; nothing if the
    Engine does not tell them within `LAST_SECONDS`.

    :raises EngineError: as `stored_output` does.
    """
    last = bytearray()
    params = {"stdout": "1", "stderr": "1", "tail": str(LINES)}
    with anyio.move_on_after(LAST_SECONDS):
        async with engine.request(f"containers/{name}/logs", params=params) as response:
            content = response.content
            async for piece in content.iter_any() if tty else _unframed(content):
                last += piece
                del last[:-LAST_BYTES]
        return bytes(last)
    return b""


async def _shown(stream: StreamReader) -> AsyncGenerator[Piece[int], None]:
    async for data in stream.iter_any():
        yield Piece(data)


async def _stamped(stream: StreamReader) -> AsyncGenerator[Piece[int], None]:
    while (length := await _frame(stream)) is not None:
        begin = await stream.readexactly(min(length, AT_ONCE_BYTES))
        stamp = STAMP.match(begin)
        if not stamp:
            raise EngineError(
                "the Docker Engine gives output without the times that it was asked for"
            )
        time_ns = _time_ns(stamp)
        yield Piece(begin[stamp.end() :], cursor=time_ns, time_ns=time_ns)
        async for more in _rest(stream, length - len(begin)):
            yield Piece(more)


async def _unframed(stream: StreamReader) -> AsyncGenerator[bytes, None]:
    while (length := await _frame(stream)) is not None:
        async for data in _rest(stream, length):
            yield data


async def _frame(stream: StreamReader) -> int | None:
    """The bytes in the next frame; None after the last one."""
    header = await stream.read(1)
    if not header:
        return None
    header += await stream.readexactly(HEADER - 1)
    return int.from_bytes(header[4:], "big")


async def _rest(stream: StreamReader, left: int) -> AsyncGenerator[bytes, None]:
    while left > 0:
        data = await stream.read(min(left, AT_ONCE_BYTES))
        if not data:
            raise IncompleteReadError(b"", left)
        left -= len(data)
        yield data


def _time_ns(stamp: re.Match[bytes]) -> int:
    return _seconds(stamp[1] + stamp[3]) * 10**9 + int((stamp[2] or b"").ljust(9, b"0"))


@lru_cache(maxsize=8)
def _seconds(text: bytes) -> int:
    """Unix time of a second: many lines have the same."""
    return int(datetime.fromisoformat(text.decode()).timestamp())
