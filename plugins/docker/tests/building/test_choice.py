"""With which of its builders an Engine builds."""

import logging

import aiodocker
import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream
from launchkit_docker.build.choice import (
    SNAPSHOTTER,
    Choice,
    chosen,
    knows_what_it_built,
    prefers_buildkit,
)
from launchkit_docker.build.retry import ping
from launchkit_docker.engine.client import EngineClient

from launchkit.aio.trouble import Trouble

PREFERS = {"Builder-Version": "2"}
CONTAINERD = [SNAPSHOTTER, ["snapshotter", "overlayfs"]]


@pytest.mark.parametrize(
    ("header", "wanted"),
    [("", False), ("Builder-Version: 1\r\n", False), ("Builder-Version: 2\r\n", True)],
)
async def test_an_engine_says_whether_it_prefers_buildkit(header: str, wanted: bool) -> None:
    async def answer(client: SocketStream) -> None:
        async with client:
            await client.receive()
            text = f"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\n{header}Content-Length: 2\r\n\r\nOK"
            await client.send(text.encode())

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, answer)
        url = f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        async with aiodocker.Docker(url, api_version="v1.41") as docker:
            engine = EngineClient(docker, Trouble(logging.getLogger("test"), "the Engine"))
            assert prefers_buildkit(await ping(engine)) is wanted
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("wanted", "version", "store", "builds"),
    [
        (None, "20.10.24", [["Backing Filesystem", "extfs"]], True),
        (None, "26.1.5", None, True),
        (None, "26.1.5", CONTAINERD, False),
        (False, "29.0.1", CONTAINERD, False),
        (None, "29.0.1", CONTAINERD, True),
        (None, "dev", CONTAINERD, True),
    ],
)
def test_the_builder_is_the_one_that_the_engine_prefers_unless_it_is_known_to_fail(
    wanted: bool | None, version: str, store: list[list[str]] | None, builds: bool
) -> None:
    choice = chosen(wanted, PREFERS, {"ServerVersion": version, "DriverStatus": store})
    assert choice.buildkit is builds
    assert bool(choice.why) is (version == "26.1.5" and store is not None)


@pytest.mark.parametrize(
    ("version", "knows"),
    [
        ("20.10.24+dfsg1", False),
        ("24.0.8", False),
        ("24.0.9-rd", True),
        ("25.0.1", False),
        ("25.0.2", True),
        ("28.2.2", True),
        ("dev", False),
        ("", False),
    ],
)
def test_whether_a_classic_builder_tells_what_was_built_from_what_was_pulled(
    version: str, knows: bool
) -> None:
    assert knows_what_it_built({"ServerVersion": version}) is knows


def test_who_wants_a_buildkit_that_fails_is_told_so() -> None:
    choice = chosen(True, PREFERS, {"ServerVersion": "26.1.5", "DriverStatus": CONTAINERD})
    assert choice == Choice(buildkit=True, why=choice.why)
    assert "take out `buildkit: true`" in choice.why
