"""Builds with an Engine that goes away."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import aiodocker
import anyio
import pytest
from docker_engine import SOCKET
from launchkit_docker.build.retry import BREAKS, BuildRetry
from launchkit_docker.builder import DockerBuilder
from launchkit_docker.engine.client import EngineAway, EngineClient, open_client
from launchkit_docker.images.store import find
from waiting import until

from launchkit.abc import Site
from launchkit.errors import BuildError, unwrapped
from launchkit.model import Image
from launchkit.testing import RecordingOutput, relay
from launchkit.testing.makers import started

from ..workshop import Make
from .conftest import skip_without_buildkit

Build: TypeAlias = Callable[..., Awaitable[Image]]

SLEEP = 'RUN ["/bin/busybox", "sleep", "3"]\n'
"""Long enough for the Engine to see that nobody listens, and to end the build."""
ANY_ANSWER = b"Api-Version"
FIRST_STEP = b"Step 1/"
WAITING = "the Engine hung up: waiting for it, to try again\n"


@pytest.fixture
def build(
    site: Site, make: Make, build_cache: None, out: RecordingOutput, monkeypatch: pytest.MonkeyPatch
) -> Build:
    """Build while the Engine breaks off before it says these words."""

    async def build(*words: bytes, buildkit: bool = False) -> Image:
        with unwrapped():
            async with relay(Path(SOCKET)) as way:
                way.break_before(*words)
                monkeypatch.setenv("DOCKER_HOST", f"tcp://{way.host}")
                async with started(DockerBuilder(buildkit=buildkit), site) as builder:
                    return await builder.build(make(SLEEP), out)

    return build


@pytest.mark.parametrize(("buildkit", "at"), [(False, FIRST_STEP), (True, b"moby.buildkit.trace")])
async def test_a_build_that_the_engine_breaks_off_is_tried_again(
    build: Build, client: EngineClient, out: RecordingOutput, buildkit: bool, at: bytes
) -> None:
    if buildkit:
        await skip_without_buildkit(client)
    image = await build(at, buildkit=buildkit)
    assert await find(client, image.ref)
    assert out.text.count(WAITING) == 1
    assert out.text.count("building image") == 2


async def test_an_engine_that_does_not_answer_any_more_is_waited_for(
    build: Build, engine: aiodocker.Docker, out: RecordingOutput
) -> None:
    image = await build(FIRST_STEP, ANY_ANSWER, ANY_ANSWER)
    assert await engine.images.inspect(image.ref)
    assert out.text.count(WAITING) == 1


async def test_an_engine_that_breaks_off_at_the_same_step_each_time_is_given_up(
    build: Build,
) -> None:
    with pytest.raises(BuildError, match=f"hung up {BREAKS} times at the same step"):
        await build(*[FIRST_STEP] * BREAKS)


async def test_breaks_do_not_count_while_the_build_gets_further(
    client: EngineClient, out: RecordingOutput
) -> None:
    retry, failure = BuildRetry(client, out), BuildError("reset")
    failure.__cause__ = EngineAway("it hung up")
    for step in range(2 * BREAKS):
        assert await retry.go_on(failure, step)
    for _ in range(BREAKS - 2):
        assert await retry.go_on(failure, 0)
    with pytest.raises(BuildError, match="reset"):
        await retry.go_on(failure, 0)


@pytest.mark.usefixtures("docker_engine")
@pytest.mark.parametrize(("words", "again"), [((), False), ((ANY_ANSWER, ANY_ANSWER), True)])
async def test_a_failed_build_is_tried_again_only_if_the_engine_went_away(
    out: RecordingOutput, words: tuple[bytes, ...], again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with relay(Path(SOCKET)) as way:
        way.break_before(*words)
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{way.host}")
        async with open_client() as broken:
            assert await BuildRetry(broken, out).go_on(BuildError("exit code: 137"), 1) == again


async def test_an_engine_that_is_not_there_yet_is_waited_for(
    site: Site, make: Make, out: RecordingOutput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{socket}")
    async with started(DockerBuilder(), site) as builder, anyio.create_task_group() as tasks:
        tasks.start_soon(builder.build, make(), out)
        await until(lambda: "no Docker Engine answers" in out.text)
        socket.symlink_to(SOCKET)
        await until(lambda: "building image" in out.text)
