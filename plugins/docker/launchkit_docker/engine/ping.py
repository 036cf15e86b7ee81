"""Whether an Engine answers, asked without its client, which is slow to import."""

import os
from urllib.parse import urlsplit

import anyio
from anyio.abc import ByteStream

SOCKET = "/var/run/docker.sock"
ANSWER_SECONDS = 2.0
PLAIN_PORT = 2375
WAITS = "no Docker Engine answers on the agent's machine; waits for it"
"""What a launch's log says then."""


async def answers() -> bool:
    """Whether the Engine that `DOCKER_HOST` names, or the one of this machine, is there. One
    that wants TLS is taken for absent: it must be asked for in the settings. So is one whose
    address makes no sense.
    """
    try:
        with anyio.fail_after(ANSWER_SECONDS):
            async with await _connected(os.environ.get("DOCKER_HOST", "")) as stream:
                await stream.send(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
                return b" 200 " in await stream.receive()
    except (OSError, ValueError, TimeoutError, anyio.EndOfStream, anyio.BrokenResourceError):
        return False


async def _connected(address: str) -> ByteStream:
    parts = urlsplit(address or f"unix://{SOCKET}")
    if parts.scheme == "unix":
        return await anyio.connect_unix(parts.path)
    return await anyio.connect_tcp(parts.hostname or "localhost", parts.port or PLAIN_PORT)
