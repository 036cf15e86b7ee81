"""The Engine, opened as the environment says."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import ByteStream, SocketAttribute
from docker_engine import SOCKET, Engine
from launchkit_docker.engine import client
from launchkit_docker.engine.client import (
    EngineAway,
    EngineClient,
    EngineError,
    EngineRefused,
    open_client,
)
from launchkit_docker.engine.ping import answers
from launchkit_docker.runner import ContainerRunner
from waiting import PATIENCE, until

from launchkit.aio.retry import retry_after
from launchkit.errors import ConfigError
from launchkit.testing import site_at, started

PORT = SocketAttribute.local_port
ANSWERS: list[tuple[bytes, type[EngineError]]] = [
    (b"\r\n", EngineAway),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", EngineAway),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<a/>", EngineError),
    (b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 4\r\n\r\nslow", EngineAway),
    (
        b'HTTP/1.1 429 Slow\r\nRetry-After: 3\r\nContent-Length: 18\r\n\r\n{"message":"slow"}',
        EngineAway,
    ),
    (b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 15\r\n\r\ntoomanyrequests", EngineRefused),
    (
        b"HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:9\r\nContent-Length: 0\r\n\r\n",
        EngineRefused,
    ),
]
IDS = [
    "nothing",
    "half",
    "no JSON",
    "asked too much",
    "told when",
    "a registry is asked too much",
    "elsewhere",
]


@asynccontextmanager
async def played(
    speak: Callable[[ByteStream], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """An Engine that *speak* plays is the one of the environment meanwhile."""
    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{listener.extra(PORT)}")
        tasks.start_soon(listener.serve, speak)
        yield
        tasks.cancel_scope.cancel()


async def test_more_streams_than_a_hundred_are_followed_at_once(docker_engine: Engine) -> None:
    assert docker_engine.answers()
    async with open_client() as engine, AsyncExitStack() as stack:
        with anyio.fail_after(PATIENCE):
            for _ in range(120):
                await stack.enter_async_context(engine.request("events"))
            assert (await engine.info())["ID"]


@pytest.mark.parametrize("host", ["gpu-box:port", "tcp://gpu-box:port", "tcp://[::1"])
async def test_an_address_that_makes_no_sense_is_named_and_no_engine_answers_there(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    assert not await answers()
    with pytest.raises(ConfigError) as caught:
        async with open_client():
            pass
    assert f"DOCKER_HOST: {host!r}: " in str(caught.value)
    assert "tcp://gpu-box:2376" in str(caught.value.hint)


async def test_the_engine_of_docker_host_is_asked_and_away_if_it_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    async with open_client() as engine:
        with pytest.raises(EngineAway, match=r"nobody\.sock") as caught:
            await engine.info()
    assert "running" in str(caught.value.hint)


async def test_a_refusal_has_its_status_and_the_words_of_the_engine(docker_engine: Engine) -> None:
    assert docker_engine.answers()
    async with open_client() as engine:
        with pytest.raises(EngineRefused, match="No such container: nobody") as caught:
            await engine.json("containers/nobody/json")
    assert (caught.value.not_found, caught.value.conflict) == (True, False)


@pytest.mark.parametrize(("answer", "error"), ANSWERS, ids=IDS)
async def test_one_who_hangs_up_or_talks_nonsense_is_an_error_of_the_engine(
    answer: bytes, error: type[EngineError], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def speak(client: ByteStream) -> None:
        async with client:
            await client.receive()
            await client.send(answer)

    async with played(speak, monkeypatch), open_client() as engine:
        engine.docker.api_version = "v1.41"
        with pytest.raises(EngineError) as caught:
            await engine.info()
    assert type(caught.value) is error
    assert '{"' not in caught.value.message
    assert retry_after(caught.value) == (3 if b"Retry-After: 3" in answer else 0)


@pytest.mark.usefixtures("docker_engine")
async def test_many_who_wait_for_an_absent_engine_say_it_once_and_once_that_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path, answered = tmp_path / "engine.sock", list[object]()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    caplog.set_level(logging.DEBUG, "launchkit.docker")

    def told() -> list[str]:
        return [record.levelname for record in caplog.records if record.levelno > logging.DEBUG]

    async def ask(engine: EngineClient) -> None:
        answered.append(await engine.answered(engine.info))

    async with open_client() as engine, anyio.create_task_group() as tasks:
        for _ in range(64):
            tasks.start_soon(ask, engine)
        await until(lambda: len(caplog.records) > 3 * 64)
        assert told() == ["WARNING"]
        path.symlink_to(SOCKET)
    assert len(answered) == 64
    assert told() == ["WARNING", "INFO"]


async def test_64_runs_of_an_absent_engine_are_one_line_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    caplog.set_level(logging.DEBUG, "launchkit.docker")
    async with (
        site_at(tmp_path) as site,
        started(ContainerRunner(), site) as runner,
        anyio.create_task_group() as tasks,
    ):
        for number in range(64):
            tasks.start_soon(runner.attach, f"run-{number}")
        await until(lambda: sum("trying again" in line for line in caplog.messages) > 3 * 64)
        tasks.cancel_scope.cancel()
    told = [record for record in caplog.records if record.levelno > logging.DEBUG]
    assert [record.levelname for record in told] == ["WARNING"]
    assert "nobody.sock" in told[0].getMessage()


class Versions:
    """An Engine whose newest version of the API changes when it is replaced by another one."""

    def __init__(self, newest: str) -> None:
        self.newest = newest
        self.asked: list[str] = []
        self.lasts = True
        """Whether connections do."""

    async def __call__(self, client: ByteStream) -> None:
        async with client:
            while True:
                try:
                    request = await client.receive()
                    while b"chunked" in request and not request.endswith(b"0\r\n\r\n"):
                        request += await client.receive()
                except anyio.EndOfStream:
                    return
                path = request.split(b" ")[1].decode()
                self.asked.append(path)
                if not self.lasts:
                    return
                version, _, rest = path.removeprefix("/v").partition("/")
                if path == "/version":
                    await self._answer(client, "200 OK", f'{{"ApiVersion": "{self.newest}"}}')
                elif version == self.newest:
                    await self._answer(client, "200 OK", f'{{"ID": "{rest}"}}')
                else:
                    word = "old" if version < self.newest else "new"
                    said = f'{{"message": "client version {version} is too {word}. Sorry"}}'
                    await self._answer(client, "400 Bad Request", said)

    async def _answer(self, client: ByteStream, status: str, text: str) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
        await client.send(f"{head}Content-Length: {len(text)}\r\n\r\n{text}".encode())


@pytest.fixture
async def versions(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Versions]:
    versions = Versions("1.41")
    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{listener.extra(PORT)}")
        tasks.start_soon(listener.serve, versions)
        yield versions
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("newest", ["1.47", "1.40"])
async def test_an_engine_that_was_replaced_is_asked_in_the_version_that_it_speaks_now(
    versions: Versions, newest: str
) -> None:
    async with open_client() as engine:
        assert (await engine.info())["ID"] == "info"
        versions.newest = newest
        assert (await engine.info())["ID"] == "info"
        assert (await engine.info())["ID"] == "info"
    again = ["/v1.41/info", "/version", f"/v{newest}/info", f"/v{newest}/info"]
    assert versions.asked == ["/version", "/v1.41/info", *again]


async def built(engine: EngineClient) -> Any:
    send, receive = anyio.create_memory_object_stream[bytes](1)
    async with send, receive:
        await send.send(b"context")
        await send.aclose()
        async with engine.request("build", "POST", data=receive) as response:
            return await response.json()


async def test_what_was_streamed_to_an_engine_that_was_replaced_is_for_the_caller_to_repeat(
    versions: Versions,
) -> None:
    async with open_client() as engine:
        await engine.info()
        versions.newest = "1.47"
        with pytest.raises(EngineAway, match="replaced"):
            await built(engine)
        assert await built(engine) == {"ID": "build"}
    assert versions.asked[2:] == ["/v1.41/build", "/version", "/v1.47/build"]


async def test_an_engine_that_was_away_is_asked_anew_for_its_version(versions: Versions) -> None:
    async with open_client() as engine:
        await engine.info()
        versions.lasts = False
        with pytest.raises(EngineAway):
            await engine.info()
        versions.lasts, versions.newest = True, "1.47"
        await engine.info()
    assert versions.asked[-2:] == ["/version", "/v1.47/info"]


@pytest.mark.parametrize(
    "said",
    [
        b'{"cause":"no such image","message":"x: image not known","response":404}',
        b'{"errorDetail":{"message":"x: image not known"},"error":"x: image not known"}',
    ],
)
async def test_an_error_that_is_json_is_told_in_its_words(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def speak(client: ByteStream) -> None:
        async with client:
            await client.receive()
            head = b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json; charset=utf-8\r\n"
            await client.send(head + b"Content-Length: %d\r\n\r\n" % len(said) + said)

    async with played(speak, monkeypatch), open_client() as engine:
        engine.docker.api_version = "v1.41"
        with pytest.raises(EngineRefused) as caught:
            await engine.info()
    assert caught.value.message == "x: image not known"


@pytest.mark.parametrize("status", [b"200 OK", b"404 Not Found", b"429 Slow"])
@pytest.mark.parametrize("version", ["v1.41", "auto"])
async def test_of_an_engines_answer_no_more_is_read_than_an_engine_would_say(
    status: bytes, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_ANSWER", 100_000)

    async def speak(peer: ByteStream) -> None:
        async with peer:
            await peer.receive()
            await peer.send(b"HTTP/1.1 %b\r\nContent-Type: text/plain\r\n\r\n" % status)
            with suppress(anyio.BrokenResourceError):
                while True:  # until nobody reads any more
                    await peer.send(b" " * 10_000)

    async with played(speak, monkeypatch), open_client() as engine:
        engine.docker.api_version = version
        with (
            anyio.fail_after(PATIENCE),
            pytest.raises(EngineError, match="more than 100000 bytes"),
        ):
            await engine.info()


async def test_a_stream_of_an_engine_is_as_long_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_ANSWER", 1000)

    async def speak(peer: ByteStream) -> None:
        async with peer:
            await peer.receive()
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n" + b" " * 50_000)

    async with played(speak, monkeypatch), open_client() as engine:
        engine.docker.api_version = "v1.41"
        async with engine.request("containers/x/logs") as response:
            assert sum([len(piece) async for piece in response.content.iter_any()]) == 50_000
