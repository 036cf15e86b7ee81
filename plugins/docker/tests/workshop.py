"""Code that becomes an image without a network, registries, scripts that become runs, and ways to
servers that break.
"""

import asyncio
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import anyio
import httpx
from anyio.abc import ByteStream, SocketAttribute
from docker_engine import SOCKET, Engine
from services import skip_without
from waiting import PATIENCE

from launchkit.abc import Run
from launchkit.errors import unwrapped
from launchkit.model import BuildRequest, RunStatus, Submission
from launchkit.testing import make_submission

Make: TypeAlias = Callable[..., BuildRequest]
"""Makes a request from the lines of a Dockerfile and other fields."""

BUSYBOX = Path("/bin/busybox")
SHELL = "FROM scratch\nCOPY busybox /bin/\n"
OWN_SHELL = "FROM scratch\nCOPY busybox label /bin/\nLABEL {0}={1}\n"
LABEL = "launchkit.test"
"""A label that says which test an image is of."""
TOUCH = 'RUN ["/bin/busybox", "touch", "/made"]\n'


def write_code(path: Path, dockerfile: str, *, label: str = "", **files: str) -> Path:
    """A directory whose Dockerfile starts from busybox alone, so that `RUN [...]` works. With a
    label of its own it shares no layer with others, who might remove it during the build.
    """
    path.mkdir(parents=True, exist_ok=True)
    shutil.copy(BUSYBOX, path / "busybox")
    (path / "label").write_text(label)
    shell = OWN_SHELL.format(LABEL, label) if label else SHELL
    (path / "Dockerfile").write_text(shell + dockerfile)
    for name, text in files.items():
        (path / name).write_text(text)
    return path


@contextmanager
def serve_registry(path: Path, login: tuple[str, str] | None = None) -> Iterator[str]:
    """A real registry on this machine; `host:port`."""
    if not shutil.which("docker-registry") or not shutil.which("htpasswd"):
        skip_without("docker-registry or htpasswd")
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
async def engine_until(*words: bytes) -> AsyncIterator[str]:
    """The URL of the Engine, but a connection breaks before the Engine says the first of *words*,
    another before it says the next, and so on.
    """
    left = [*words]

    async def forward(client: ByteStream) -> None:
        engine = await anyio.connect_unix(SOCKET)
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError), unwrapped():
            async with client, engine, anyio.create_task_group() as tasks:
                tasks.start_soon(_copy, client, engine)
                async for data in engine:
                    if left and left[0] in data:
                        del left[0]
                        break
                    await client.send(data)
                tasks.cancel_scope.cancel()

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, forward)
        yield f"tcp://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        tasks.cancel_scope.cancel()


BROKEN = (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError)
REQUEST = re.compile(rb"[A-Z]+ (/\S*) HTTP/1\.1\r\n")


@dataclass(eq=False)
class Way:
    """A connection through a relay, and what was asked last on it."""

    scope: anyio.CancelScope
    path: str = ""
    waits: bool = False


class Relay:
    """A way to a server that tells what was answered, and can be shut to some requests."""

    def __init__(self, connect: Callable[[], Awaitable[ByteStream]], port: int) -> None:
        self.host = f"127.0.0.1:{port}"
        self.answered: list[str] = []
        """The path of each request, as soon as its answer begins."""
        self.held: list[str] = []
        """The path of each request that came to the shut gate."""
        self._connect = connect
        self._shut = ""
        self._swallowed = ""
        self._gate = anyio.Event()
        self._ways: set[Way] = set()

    def count(self, word: str) -> int:
        """How many requests with *word* in their path were answered."""
        return sum(word in path for path in self.answered)

    def shut(self, word: str) -> None:
        """Cut the connections of requests with *word* in their path, and hold new ones."""
        self._shut = word
        for way in self._ways:
            if word in way.path:
                way.scope.cancel()

    def open(self) -> None:
        """Let all through."""
        self._shut = ""
        self._gate.set()
        self._gate = anyio.Event()

    def swallow(self, word: str) -> None:
        """Pass on the beginning of each answer to a request with *word* in its path, no more."""
        self._swallowed = word

    async def serve(self, client: ByteStream) -> None:
        """Forward a connection, as long as both sides want."""
        with anyio.CancelScope() as scope, suppress(*BROKEN), unwrapped():
            async with client, await self._connect() as server, anyio.create_task_group() as tasks:
                way = Way(scope)
                self._ways.add(way)
                tasks.start_soon(self._ask, way, client, server)
                try:
                    async for data in server:
                        if way.waits:
                            self.answered.append(way.path)
                            way.waits = False
                        elif self._swallowed and self._swallowed in way.path:
                            continue
                        await client.send(data)
                finally:
                    self._ways.discard(way)
                    tasks.cancel_scope.cancel()

    async def _ask(self, way: Way, client: ByteStream, server: ByteStream) -> None:
        with suppress(*BROKEN):
            async for data in client:
                if found := REQUEST.match(data):
                    way.path, way.waits = found[1].decode(), True
                    await self._pass(way.path)
                await server.send(data)
        with suppress(*BROKEN):
            await server.send_eof()

    async def _pass(self, path: str) -> None:
        if self._shut and self._shut in path:
            self.held.append(path)
        while self._shut and self._shut in path:
            await self._gate.wait()


@asynccontextmanager
async def relay(connect: Callable[[], Awaitable[ByteStream]]) -> AsyncIterator[Relay]:
    """A relay on a port of this machine."""
    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        made = Relay(connect, listener.extra(SocketAttribute.local_port))
        tasks.start_soon(listener.serve, made.serve)
        yield made
        tasks.cancel_scope.cancel()


class Connection(ByteStream):
    """A connection by asyncio's streams: with anyio's own for Unix sockets, a read that is
    cancelled in the moment in which something comes is an error of the event loop.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def receive(self, max_bytes: int = 65536) -> bytes:
        if data := await self._reader.read(max_bytes):
            return data
        raise anyio.EndOfStream

    async def send(self, item: bytes) -> None:
        self._writer.write(item)
        await self._writer.drain()

    async def send_eof(self) -> None:
        self._writer.write_eof()

    async def aclose(self) -> None:
        self._writer.close()


async def to_engine() -> ByteStream:
    """A connection to the Engine."""
    return Connection(*await asyncio.open_unix_connection(SOCKET))


class Scripts:
    """Makes submissions of shell scripts, and looks at their containers from outside."""

    def __init__(self, engine: Engine, image: str) -> None:
        self.engine, self.image = engine, image
        self.label = f"launchkit.test={uuid4().hex}"

    def __call__(self, script: str, **options: object) -> Submission:
        args = {"network": "none", "label": self.label}
        args |= {name.replace("_", "-"): value for name, value in options.items()}
        return make_submission("/bin/sh", "-c", script, image=self.image, resource_args=args)

    def inspect(self, name: str) -> dict[str, Any] | None:
        """The container of that name, if there is one."""
        answer = self.engine.http.get(f"/containers/{name}/json")
        found: dict[str, Any] = answer.json()
        return found if answer.is_success else None

    def do(self, name: str, action: str) -> None:
        """Have something done to a container by somebody else."""
        self.engine.http.post(f"/containers/{name}/{action}").raise_for_status()

    def remove(self) -> None:
        """Remove all containers."""
        self.engine.remove_containers(**dict([self.label.split("=")]))


async def ended(run: Run) -> RunStatus:
    """How the run ends, as `changed` tells it."""
    with anyio.fail_after(PATIENCE):
        status = await run.status()
        while not status.state.ended:
            status = await run.changed(status)
        return status


async def read(run: Run, offset: int = 0, to: bytes | None = None) -> bytes:
    """What the run prints, to its end or the first piece with *to*."""
    data = b""
    with anyio.fail_after(PATIENCE):
        async with aclosing(run.logs(offset)) as chunks:
            async for chunk in chunks:
                assert chunk.offset == offset + len(data)
                data += chunk.data
                if to and to in data:
                    break
    return data


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
