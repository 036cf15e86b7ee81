"""A server that says the same to whoever asks, be it an answer or not."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

import anyio
from anyio.abc import SocketAttribute, SocketStream

from launchkit.aio.tls_records import MOST_WITHOUT_DATA

CRUMBS = [
    b"\x16\3\3\0\1" + bytes([byte])
    for byte in b"\2\0\2\0".ljust(MOST_WITHOUT_DATA + 1, b"\0")
]  # fmt: skip
"""How TLS begins, in records of one byte each."""


@asynccontextmanager
async def saying(pieces: Iterable[bytes]) -> AsyncIterator[str]:
    """Its host and port; it hangs up once it has said all *pieces*."""

    async def say(stream: SocketStream) -> None:
        with suppress(anyio.BrokenResourceError, anyio.EndOfStream):
            async with stream:
                await stream.receive()
                for piece in pieces:
                    await stream.send(piece)

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, say)
        yield f"127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        tasks.cancel_scope.cancel()
