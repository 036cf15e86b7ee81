"""The Engine, opened as the environment says."""

from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest
from aiodocker import DockerError
from docker_engine import Engine
from launchkit_docker.access import open_engine
from launchkit_docker.streams import streamed


async def test_more_streams_than_a_hundred_are_followed_at_once(docker_engine: Engine) -> None:
    assert docker_engine.answers()
    async with open_engine() as engine, AsyncExitStack() as stack:
        with anyio.fail_after(30):
            for _ in range(120):
                await stack.enter_async_context(streamed(engine, "events", {}))
            assert (await engine.system.info())["ID"]


async def test_the_engine_of_docker_host_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    async with open_engine() as engine:
        with pytest.raises(DockerError, match=r"nobody\.sock"):
            await engine.system.info()
