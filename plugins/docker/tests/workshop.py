"""Code that becomes an image without a network, a registry to push to, and what an image is."""

import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

import anyio
import httpx
import pytest
from anyio.abc import ByteStream, SocketAttribute
from docker_engine import SOCKET

from launchkit.errors import unwrapped
from launchkit.model import BuildRequest

Make: TypeAlias = Callable[..., BuildRequest]
"""Makes a request from the lines of a Dockerfile and other fields."""

BUSYBOX = Path("/bin/busybox")
SHELL = "FROM scratch\nCOPY busybox /bin/busybox\n"
TOUCH = 'RUN ["/bin/busybox", "touch", "/made"]\n'


def write_code(path: Path, dockerfile: str, **files: str) -> Path:
    """A directory whose Dockerfile starts from busybox alone, so that `RUN [...]` works."""
    path.mkdir(parents=True, exist_ok=True)
    shutil.copy(BUSYBOX, path / "busybox")
    (path / "Dockerfile").write_text(SHELL + dockerfile)
    for name, text in files.items():
        (path / name).write_text(text)
    return path


class Heard:
    """What was said on the way, as text."""

    def __init__(self) -> None:
        self.text = ""

    async def __call__(self, data: bytes) -> None:
        self.text += data.decode()


@contextmanager
def serve_registry(path: Path, login: tuple[str, str] | None = None) -> Iterator[str]:
    """A real registry on this machine; `host:port`."""
    if not shutil.which("docker-registry") or not shutil.which("htpasswd"):
        assert "CI" not in os.environ, "docker-registry and htpasswd are not installed"
        pytest.skip("docker-registry and htpasswd are not installed")
    path.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    config = (
        "version: 0.1\nlog: {level: error}\n"
        f"storage: {{filesystem: {{rootdirectory: {path / 'data'}}}}}\n"
        f"http: {{addr: {host}}}\n"
    )
    if login:
        made = subprocess.run(["htpasswd", "-Bbn", *login], check=True, capture_output=True)
        (path / "htpasswd").write_bytes(made.stdout)
        config += f"auth: {{htpasswd: {{realm: test, path: {path / 'htpasswd'}}}}}\n"
    (path / "config.yml").write_text(config)
    with (path / "log").open("wb") as log:
        server = subprocess.Popen(
            ["docker-registry", "serve", str(path / "config.yml")], stdout=log, stderr=log
        )
    try:
        _wait_for(host, server)
        yield host
    finally:
        server.kill()
        server.wait()


@asynccontextmanager
async def engine_until(word: bytes) -> AsyncIterator[str]:
    """The URL of the Engine, but each connection breaks when the Engine says *word*."""

    async def forward(client: ByteStream) -> None:
        engine = await anyio.connect_unix(SOCKET)
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError), unwrapped():
            async with client, engine, anyio.create_task_group() as tasks:
                tasks.start_soon(_copy, client, engine)
                async for data in engine:
                    await client.send(data)
                    if word in data:
                        break
                tasks.cancel_scope.cancel()

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, forward)
        yield f"tcp://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        tasks.cancel_scope.cancel()


async def _copy(source: ByteStream, sink: ByteStream) -> None:
    async for data in source:
        await sink.send(data)


def _wait_for(host: str, server: subprocess.Popen[bytes]) -> None:
    transport = httpx.HTTPTransport(retries=8)
    with httpx.Client(transport=transport) as client:
        assert client.get(f"http://{host}/v2/").status_code in {200, 401}
    assert server.poll() is None


def in_registry(host: str, ref: str, auth: tuple[str, str] | None = None) -> str | None:
    """The digest that the registry itself tells of a reference; None if it has no such image."""
    name, _, tag = ref.removeprefix(f"{host}/").rpartition("@" if "@" in ref else ":")
    accept = "application/vnd.docker.distribution.manifest.v2+json"
    url = f"http://{host}/v2/{name}/manifests/{tag}"
    answer = httpx.head(url, headers={"Accept": accept}, auth=auth)
    return answer.headers["docker-content-digest"] if answer.status_code == 200 else None
