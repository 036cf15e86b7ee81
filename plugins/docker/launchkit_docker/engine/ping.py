"""Whether an Engine answers, asked without its client, which is slow to import."""

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

import anyio
from anyio.abc import ByteStream

from launchkit.errors import ConfigError

SOCKET = "/var/run/docker.sock"
SCHEMES = ("unix", "tcp", "http", "https")
ANSWER_SECONDS = 2.0
PLAIN_PORT = 2375
WAITS = "no Docker Engine answers on the agent's machine; waits for it"
"""What a launch's log says then."""


def require_address(environ: Mapping[str, str] = os.environ) -> None:
    """:raises ConfigError: if `DOCKER_HOST` names an Engine in a way that cannot be used."""
    host = environ.get("DOCKER_HOST", "")
    problem: object = None
    try:
        parts = urlsplit(host)
        if host and parts.scheme not in SCHEMES:
            problem = f"only {', '.join(SCHEMES)} are supported"
        elif parts.scheme != "unix" and parts.port is None and parts.scheme == "tcp":
            problem = "the port is missing"
    except ValueError as exc:
        problem = exc
    if problem:
        hint = f"an address is such as unix://{SOCKET} or tcp://gpu-box:{PLAIN_PORT}"
        if host.startswith("ssh://"):
            hint += f"; forward the socket: ssh -L /tmp/docker.sock:{SOCKET} {host[6:]}"
        raise ConfigError(f"DOCKER_HOST: {host!r}: {problem}", hint=hint)


async def answers() -> bool:
    """Whether the Engine that `DOCKER_HOST` names, or the one of this machine, is there. One
    that wants TLS is taken for absent: it must be asked for in the settings. So is one whose
    address makes no sense.
    """
    try:
        require_address()
        with anyio.fail_after(ANSWER_SECONDS):
            async with await _connected(os.environ.get("DOCKER_HOST", "")) as stream:
                await stream.send(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
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


async def _connected(address: str) -> ByteStream:
    parts = urlsplit(address or f"unix://{SOCKET}")
    if parts.scheme == "unix":
        return await anyio.connect_unix(parts.path)
    return await anyio.connect_tcp(parts.hostname or "localhost", parts.port or PLAIN_PORT)
