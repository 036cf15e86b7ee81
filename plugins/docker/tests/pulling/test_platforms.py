"""One name may stand for images of several computers, and an Engine has one of them at a time."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import anyio
import pytest
from docker_engine import Engine
from launchkit_docker.build.choice import SNAPSHOTTER
from launchkit_docker.engine.client import EngineClient
from launchkit_docker.images.pull import Puller, PullError
from launchkit_docker.runner import ContainerRunner
from waiting import until

from launchkit.model import Image
from launchkit.testing import RecordingOutput, RegistryServer

from ..pulled import image_id, list_in, load, name
from ..workshop import Scripts
from .conftest import Stock


@pytest.mark.parametrize("platform", ["linux/arm64", "arm64", "linux/aarch64", "linux/arm64/v8"])
async def test_an_image_for_another_platform_is_as_good_as_none(
    client: EngineClient, docker_engine: Engine, word: str, host: str, stock: Stock, platform: str
) -> None:
    ref, puller, out = f"{host}/{word}/job:1", Puller(client, None), RecordingOutput()
    stored = stock(ref, architecture="arm64")
    load(docker_engine, ref, "amd64")
    with pytest.raises(PullError, match=f"{ref} for {platform}"):
        await puller.get(ref, "never", platform, out)
    await puller.get(ref, "missing", platform, out)
    assert image_id(docker_engine, ref) == stored
    await puller.get(ref, "never", platform, out)


@pytest.fixture
def _own_store(docker_engine: Engine) -> None:
    if SNAPSHOTTER in (docker_engine.http.get("/info").json()["DriverStatus"] or ()):
        pytest.skip("this Engine keeps its images in containerd: those of all platforms at a time")


@pytest.fixture
def two(_own_store: None, host: str, word: str, stock: Stock) -> dict[str, str]:
    """The ids of what one name stands for, by the platform."""
    repository = f"{word}/two"
    ids = {
        f"linux/{each}": stock(f"{host}/{repository}:{each}", architecture=each)
        for each in ("amd64", "arm64")
    }
    list_in(RegistryServer(host=host), repository, "1", ["amd64", "arm64"])
    return ids


async def test_who_names_no_platform_gets_this_machines_image_whatever_others_had_pulled(
    client: EngineClient, docker_engine: Engine, host: str, word: str, two: dict[str, str]
) -> None:
    ref, here = f"{host}/{word}/two:1", f"linux/{computer(docker_engine)}"
    (other,) = {*two} - {here}
    for policy in ("missing", "always"):
        for platform in (other, None, here, other, None):
            found = await Puller(client, None).get(ref, policy, platform, RecordingOutput())
            assert found["Id"] == two[platform or here]


@dataclass
class Pulled(RecordingOutput):
    """Does something else once the image is pulled, before anybody looks at it."""

    then: Callable[[], Awaitable[None]] = field(kw_only=True)

    async def __call__(self, data: bytes) -> None:
        await super().__call__(data)
        if b"Status: " in data:
            await self.then()


async def test_those_who_pull_a_name_for_several_platforms_at_once_get_their_own(
    client: EngineClient, word: str, host: str, two: dict[str, str]
) -> None:
    ref, puller = f"{host}/{word}/two:1", Puller(client, None)
    first, second = two
    given, out = dict[str, str](), RecordingOutput()

    async def get(platform: str, out: RecordingOutput) -> None:
        given[platform] = (await puller.get(ref, "always", platform, out))["Id"]

    async with anyio.create_task_group() as tasks:

        async def meanwhile() -> None:
            tasks.start_soon(get, second, out)
            await until(lambda: second in given or "pulled already; waits" in out.text)

        await get(first, Pulled(then=meanwhile))
    assert given == two


def computer(engine: Engine) -> str:
    return str(engine.http.get("/version").json()["Arch"])


@pytest.mark.usefixtures("_own_store")
async def test_an_image_that_there_is_for_another_platform_alone_is_pulled_once(
    client: EngineClient, docker_engine: Engine, word: str, host: str, stock: Stock
) -> None:
    other = "arm64" if computer(docker_engine) == "amd64" else "amd64"
    ref, puller, out = f"{host}/{word}/job:1", Puller(client, None), RecordingOutput()
    stored = stock(ref, architecture=other)
    for policy in ("missing", "missing", "never"):
        assert (await puller.get(ref, policy, None, out))["Id"] == stored
    assert out.text.count("pulling image") == 1


async def test_an_image_for_another_platform_that_was_made_here_is_taken_as_it_is(
    client: EngineClient, docker_engine: Engine, word: str
) -> None:
    out, made = RecordingOutput(), load(docker_engine, f"{word}:0", "riscv64")
    name(docker_engine, f"{word}:0", f"{word}:1")
    assert (await Puller(client, None).get(f"{word}:1", "missing", None, out))["Id"] == made
    assert out.text == ""


async def test_a_run_has_the_image_that_was_there_for_it_also_if_its_name_is_moved_meanwhile(
    runner: ContainerRunner, scripts: Scripts, docker_engine: Engine, word: str
) -> None:
    ref, seen = f"{word}:1", image_id(docker_engine, scripts.image)
    name(docker_engine, scripts.image, ref)
    submission = replace(scripts("true"), image=Image(ref=ref))
    await runner.prepare(submission, RecordingOutput())
    load(docker_engine, ref, "riscv64")
    run = await runner.submit(submission)
    container = scripts.inspect(run.ref)
    assert container
    assert container["Image"] == seen


async def test_no_run_is_made_of_an_image_for_another_platform_than_it_names(
    runner: ContainerRunner, scripts: Scripts
) -> None:
    submission = scripts("true", platform="linux/riscv64")
    with pytest.raises(PullError, match=f"{scripts.image} for linux/riscv64 any more"):
        await runner.submit(submission)
    assert scripts.inspect(submission.name) is None
