"""Whether an Engine answers, asked without its client, which is slow to import."""

import anyio
from anyio.abc import ByteStream
from anyio.to_thread import run_sync

from launchkit.errors import ConfigError
from launchkit_docker.engine.address import Address, engine_address

ANSWER_SECONDS = 2.0
WAITS = "no Docker Engine answers on the agent's machine; waits for it"
"""What a launch's log says then."""


async def answers() -> bool:
    """Whether the Engine that is meant is there; one whose address makes no sense is not."""
    try:
        with anyio.fail_after(ANSWER_SECONDS):
            address = await run_sync(engine_address)
            async with await _connected(address) as stream:
                request = f"GET {address.prefix}/_ping HTTP/1.0\r\nHost: docker\r\n\r\n"
                await stream.send(request.encode())
                return b" 200 " in await stream.receive()
    except (
        ConfigError,
        OSError,
        ValueError,
        TimeoutError,
        anyio.EndOfStream,
        anyio.BrokenResourceError,
    ):
        return False


async def _connected(address: Address) -> ByteStream:
    if address.path:
        return await anyio.connect_unix(address.path)
    if address.tls is None:
        return await anyio.connect_tcp(address.host, address.port)
    context = await run_sync(address.tls.context)
    return await anyio.connect_tcp(address.host, address.port, ssl_context=context)
