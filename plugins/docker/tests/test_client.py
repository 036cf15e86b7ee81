"""The Engine, opened as the environment says."""

from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest
from aiodocker import DockerError
from docker_engine import Engine
from launchkit_docker.engine.client import open_engine
from launchkit_docker.engine.ping import answers
from launchkit_docker.engine.streams import streamed
from waiting import PATIENCE

from launchkit.errors import ConfigError


async def test_more_streams_than_a_hundred_are_followed_at_once(docker_engine: Engine) -> None:
    assert docker_engine.answers()
    async with open_engine() as engine, AsyncExitStack() as stack:
        with anyio.fail_after(PATIENCE):
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


@pytest.mark.parametrize("host", ["gpu-box", "tcp://gpu-box:port", "tcp://[::1"])
async def test_an_address_that_makes_no_sense_is_named_and_no_engine_answers_there(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    assert not await answers()
    with pytest.raises(ConfigError) as caught:
        async with open_engine():
            pass
    assert f"DOCKER_HOST: {host!r}: " in str(caught.value)
    assert "tcp://gpu-box:2375" in str(caught.value.hint)
