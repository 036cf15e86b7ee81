"""Whatever a Docker Engine answers, or somebody in its place, is a value or an error of its own."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from fuzzing.altered import altered, chance_of
from fuzzing.answering import Answering, Said, answering
from fuzzing.trial import HEAVY, tried
from launchkit_docker.build.buildkit_log import TRACE, BuildKitLog
from launchkit_docker.build.choice import chosen
from launchkit_docker.build.log import BuildLog
from launchkit_docker.containers import containers
from launchkit_docker.containers import outside as outsides
from launchkit_docker.containers.containers import Containers
from launchkit_docker.containers.informer import list_runs
from launchkit_docker.containers.output import last_output, stored_output
from launchkit_docker.engine import client as clients
from launchkit_docker.engine import findings
from launchkit_docker.engine.client import EngineClient, EngineError, open_client
from launchkit_docker.engine.messages import follow
from launchkit_docker.images.pull import Puller
from launchkit_docker.images.push import push
from launchkit_docker.images.store import content_of

from launchkit.abc import Output
from launchkit.aio.retry import Backoff
from launchkit.testing import RecordingOutput

LABELS = {
    "launchkit.run": "r",
    "launchkit.item": "i",
    "launchkit.attempt": "1",
    "launchkit.agent": "a",
    "launchkit.gpus": "0,1",
}
CONTAINER = {
    "Id": "c0",
    "Name": "/run-1",
    "State": {
        "Status": "exited",
        "ExitCode": 137,
        "OOMKilled": True,
        "Error": "no such file",
        "StartedAt": "2026-01-02T03:04:05.678901234Z",
        "FinishedAt": "2026-01-02T03:05:05+01:00",
    },
    "Config": {"Tty": False, "Labels": LABELS},
    "Mounts": [{"Source": "/a", "Destination": "/b"}],
}
LISTED = [{"Names": ["/run-1", "/other/x"], "State": "created", "Labels": LABELS, "Created": 1}]
EVENTS = [
    {"Action": action, "Actor": {"Attributes": {"name": "run-1", "oldName": "/x", **LABELS}}}
    for action in ("die", "rename", "exec_start: sh")
]
IMAGE = {
    "Id": "sha256:" + 64 * "a",
    "RepoDigests": ["registry.example/img@sha256:" + 64 * "b"],
    "Os": "linux",
    "Architecture": "amd64",
}
ABOUT = {
    "ID": "x",
    "ServerVersion": "26.1.4",
    "NCPU": 2,
    "MemTotal": 2**33,
    "Version": "26",
    "DockerRootDir": "/var/lib/docker",
    "Runtimes": {"nvidia": {}},
    "Os": "linux",
    "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]],
    "Arch": "amd64",
    "Components": [{"Name": "Podman Engine"}],
    "ApiVersion": "1.45",
    "LoggingDriver": "local",
}
SAID = [
    {"stream": "Step 1/2 : FROM x\n"},
    {"status": "Pulling", "id": "layer", "progressDetail": {"current": 1}},
    {"id": TRACE, "aux": base64.b64encode(b"\x0a\x0a\x0a\x03abc\x1a\x03def").decode()},
    {"aux": {"Digest": "sha256:" + 64 * "c"}},
    {"status": "v1: digest: sha256:" + 64 * "d" + " size: 5"},
    {"errorDetail": {"message": "toomanyrequests"}, "error": "exec format error"},
]
STAMPS = ("2026-01-02T03:04:05.678901234Z ", "2026-01-02T03:04:05+01:00 ", "2026-99-99T99:99:99Z ")
OWN_ID = f"1 2 0:3 /x/containers/{64 * 'a'}/hosts /etc/hosts rw - ext4 /dev/x rw\n"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Answering]:
    """It is asked once for each thing, and taken for the Engine that the agent's container has."""
    monkeypatch.setattr(clients, "BACKOFF", Backoff(deadline=0.0))
    monkeypatch.setattr(containers, "CREATE_BACKOFF", Backoff(deadline=0.0))
    (tmp_path / "mountinfo").write_text(OWN_ID)
    monkeypatch.setattr(outsides, "MOUNTINFO", tmp_path / "mountinfo")

    async def none() -> Mapping[str, str]:
        return {}

    monkeypatch.setattr(findings, "find_gpus", none)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with answering() as server:
        monkeypatch.setenv("DOCKER_HOST", server.url.replace("http", "tcp"))
        server.beside = {"/version": Said(200, {}, json.dumps(ABOUT).encode())}
        yield server


Way = tuple[Any, Callable[[], Awaitable[Any]]]


def ways(engine: EngineClient, out: Output, folder: Path) -> Sequence[Way]:
    """A sound answer of each kind, and what reads it."""
    its = Containers(engine, folder)

    async def watch() -> None:
        assert its.informer.watch is not None
        async with its.informer.watch() as changes:
            async for _ in changes:
                pass

    async def build(log: BuildLog | BuildKitLog) -> None:
        async with engine.request("build", "POST", data="") as response:
            await follow(response, log.take, out)

    async def pull() -> None:
        content_of(
            await Puller(engine, None).get("registry.example/img:1", "missing", None, out), "img"
        )

    async def info() -> None:
        chosen(None, {"Builder-Version": "2"}, await its.info())

    async def container() -> None:
        found = await its.find("run-1")
        if found is not None:
            found.identity, found.gpus, found.failed, found.unseen(engine.absences, 1.0)

    return (
        (CONTAINER, container),
        (CONTAINER, its.outside),
        (LISTED, lambda: its.never_started(0.0)),
        (EVENTS, watch),
        (IMAGE, pull),
        (ABOUT, lambda: findings.engine_findings(engine)),
        (ABOUT, info),
        (SAID, lambda: build(BuildLog())),
        (SAID, lambda: build(BuildKitLog())),
        (SAID, lambda: push(engine, "registry.example/img:1", None, out)),
        ({"message": "no such image", "cause": "x"}, pull),
        ({**CONTAINER, "Warnings": ["w"]}, lambda: its.created("run-1", {}, None)),
    )


def streamed(found: Any, chance: Any) -> bytes:
    """What stands in a list is a stream of messages, as often as not."""
    if isinstance(found, list) and chance.random() < 0.8:
        return b"\n".join(json.dumps(one).encode() for one in found)
    return json.dumps(found).encode()


def test_fuzz_what_an_engine_answers_is_a_value_or_an_error(
    server: Answering, tmp_path: Path
) -> None:
    def read(text: str) -> None:
        chance = chance_of(text)
        sound, call = chance.choice(ways(engine, RecordingOutput(), tmp_path))
        found = altered([sound], text)
        body = streamed(found[0] if found else None, chance)
        server.answer(text, body if len(text) % 9 else text.encode(errors="replace"))
        if chance.random() < 0.6:
            server.status = 200
        runner.run(asked(call))

    async def asked(call: Callable[[], Awaitable[Any]]) -> None:
        try:
            await call()
        except EngineError as exc:
            str(exc).encode()
            raise

    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        engine = runner.run(stack.enter_async_context(open_client()))
        try:
            tried("answers of a Docker Engine", read, share=HEAVY)
        finally:
            runner.run(stack.aclose())


def frames(text: str) -> bytes:
    """Output as the Engine sends it, cut or with a wrong length now and then."""
    chance = chance_of(text)
    data = b""
    for _ in range(chance.randrange(1, 4)):
        line = (chance.choice(STAMPS) + text).encode(errors="replace")
        length = len(line) if chance.random() < 0.8 else chance.choice((0, 5, 2**32 - 1))
        data += bytes([chance.choice((1, 2, 9)), 0, 0, 0]) + length.to_bytes(4, "big") + line
    return data[: chance.choice((None, None, -1))]


def test_fuzz_what_a_container_has_printed_is_output_or_an_error(server: Answering) -> None:
    def read(text: str) -> None:
        chance = chance_of(text)
        server.status = 200
        server.body = frames(text) if chance.random() < 0.8 else text.encode(errors="replace")
        runner.run(asked(tty=chance.random() < 0.2, follow=chance.random() < 0.5))

    async def asked(*, tty: bool, follow: bool) -> None:
        async with stored_output(engine, "c", tty=tty, since_ns=None, follow=follow) as pieces:
            async for _ in pieces:
                pass
        await last_output(engine, "c", tty=tty)

    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        engine = runner.run(stack.enter_async_context(open_client()))
        try:
            tried("output of a container", read, STAMPS, HEAVY)
        finally:
            runner.run(stack.aclose())


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b'{"cause": "x"}'),
        (500, b'{"message": -1}'),
        (500, b"[]"),
        (200, b"[" * 60_000),
        (200, b'"\xff"'),
        (200, b'[{"Names": null}]'),
        (200, b'[{"Names": ["/a"], "State": "created", "Labels": [1], "Created": 1}]'),
        (200, b"5"),
    ],
    ids=[
        "an error without words",
        "words",
        "a list",
        "deep",
        "no UTF-8",
        "no names",
        "labels",
        "a number",
    ],
)
async def test_an_answer_of_another_shape_is_an_error_of_the_engine(
    server: Answering, status: int, body: bytes
) -> None:
    server.status, server.body = status, body
    async with open_client() as engine:
        with pytest.raises(EngineError):
            await list_runs(engine, "x")


async def test_what_a_build_prints_need_not_be_text_that_can_be_stored(server: Answering) -> None:
    server.body = b'{"stream": "a \\ud800 b\\n"}'
    out = RecordingOutput()
    async with open_client() as engine, engine.request("build", "POST") as response:
        await follow(response, BuildLog().take, out)
    assert out.text == "a ? b\n"


async def test_a_time_that_is_none_is_an_error_of_the_engine(server: Answering) -> None:
    line = b"2026-99-99T99:99:99Z hello"
    server.body = bytes([1, 0, 0, 0]) + len(line).to_bytes(4, "big") + line
    async with open_client() as engine:
        with pytest.raises(EngineError):
            async with stored_output(engine, "c", tty=False, since_ns=None, follow=False) as pieces:
                await anext(pieces)
