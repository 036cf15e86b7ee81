"""GPUs are given to one run at a time; the devices here are only names."""

import io
import json
import tarfile
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import anyio
import launchkit_docker.engine.client
import pytest
from docker_engine import Engine
from launchkit_docker.build.call import TAR
from launchkit_docker.containers import labels
from launchkit_docker.containers.containers import Containers
from launchkit_docker.engine.client import open_client
from launchkit_docker.gpus.allocator import GpuAllocator
from launchkit_docker.gpus.inventory import GpuInventory
from launchkit_docker.options.gpu_request import Gpus
from waiting import until

from launchkit.abc import QueueBackend
from launchkit.errors import Rejected
from launchkit.model import Submission
from launchkit.plugins import Plugins
from launchkit.runners.identity import DOCKER, RunIdentity
from launchkit.testing import RecordingOutput, make_submission, site_at, started

from .workshop import Scripts

Make = Callable[[], GpuAllocator]
LONG = 50_000
STOCK = GpuInventory(devices=("a", "b", "c"), names={"GPU-1": "a"})


@pytest.fixture
async def make(tmp_path: Path, docker_engine: Engine) -> AsyncIterator[Make]:
    """Slots of agents of one machine, with GPUs a, b and c."""
    settings = {"url": f"sqlite:///{tmp_path}/launchkit.db", "entity": "test", "lease": 30.0}
    backend = Plugins(entry_points=False).create(QueueBackend, "sqlite", settings)
    async with (
        open_client() as engine,
        site_at(tmp_path) as site,
        started(backend, site) as queue,
    ):
        yield lambda: GpuAllocator(STOCK, Containers(engine, tmp_path), queue, site.agent)


async def test_runs_get_devices_of_their_own_and_give_them_back(make: Make) -> None:
    gpus, out = make(), RecordingOutput()
    await gpus.take("one", Gpus(count=2), out)
    await gpus.take("two", Gpus(count=1), out)
    assert (gpus.given("one"), gpus.given("two")) == (("a", "b"), ("c",))
    await gpus.release("one")
    await gpus.take("three", Gpus(device_ids=("b",)), out)
    assert gpus.given("three") == ("b",)
    assert gpus.given("one") is None


async def test_a_run_waits_until_enough_are_free_and_says_so(make: Make) -> None:
    gpus, out = make(), RecordingOutput()
    await gpus.take("one", Gpus(count=-1), out)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gpus.take, "two", Gpus(count=2), out)
        await until(lambda: "waits for 2 of 3 GPUs" in out.text)
        assert gpus.given("two") is None
        await gpus.release("one")
    assert gpus.given("two") == ("a", "b")


async def test_two_agents_never_give_one_device_twice(make: Make) -> None:
    first, second, out = make(), make(), RecordingOutput()
    await first.take("one", Gpus(count=2), out)
    await second.take("two", Gpus(count=1), out)
    assert second.given("two") == ("c",)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(second.take, "three", Gpus(count=1), out)
        await until(lambda: "waits for 1 of 3 GPUs" in out.text)
        assert second.given("three") is None
        tasks.cancel_scope.cancel()


async def test_devices_of_a_run_of_an_earlier_agent_stay_taken(make: Make) -> None:
    gpus = make()
    gpus.adopt("old", ("a", "b"))
    await gpus.take("new", Gpus(count=1), RecordingOutput())
    assert gpus.given("new") == ("c",)


def created_with_devices(scripts: Scripts, script: str) -> Submission:
    """A run whose container another agent has made, with two devices."""
    label, _, value = scripts.label.partition("=")
    run = make_submission()
    of_run = DOCKER.labels(RunIdentity.of(run.launch, "gone"))
    marks = {label: value, **of_run, labels.GPUS: "a,b"}
    body = {"Image": scripts.image, "Cmd": ["/bin/sh", "-c", script], "Labels": marks}
    scripts.engine.http.post(
        "/containers/create", params={"name": run.name}, json=body
    ).raise_for_status()
    return run


@pytest.mark.parametrize("starts", [False, True])
async def test_devices_of_a_container_that_lives_stay_taken_whoever_knows_of_it(
    make: Make, scripts: Scripts, starts: bool
) -> None:
    run = created_with_devices(scripts, "sleep 600")
    if starts:
        scripts.do(run.name, "start")
    gpus = make()
    await gpus.take("new", Gpus(count=1), RecordingOutput())
    assert gpus.given("new") == ("c",)


async def test_devices_of_a_container_that_has_ended_are_free_though_it_is_there(
    make: Make, scripts: Scripts
) -> None:
    run = created_with_devices(scripts, "exit 0")
    scripts.do(run.name, "start")
    look = f"/containers/{run.name}/json"
    await until(lambda: scripts.engine.http.get(look).json()["State"]["Status"] == "exited")
    gpus, out = make(), RecordingOutput()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gpus.take, "new", Gpus(count=3), out)
        await until(lambda: gpus.given("new") or "waits for" in out.text)
        tasks.cancel_scope.cancel()
    assert gpus.given("new") == ("a", "b", "c"), out.text


@pytest.fixture
async def step(scripts: Scripts) -> AsyncIterator[Mapping[str, str]]:
    """The labels of a build's step that is under way, which are those of a run with all GPUs."""
    own = dict([scripts.label.split("=")])
    of_run = DOCKER.labels(RunIdentity.of(make_submission().launch, "gone"))
    marks = {**own, **of_run, labels.GPUS: "a,b,c"}
    named = " ".join(f"{key}={value}" for key, value in {**marks, "long": "x" * LONG}.items())
    text = f"FROM {scripts.image}\nLABEL {named}\nRUN sleep 600\n".encode()
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        info = tarfile.TarInfo("Dockerfile")
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
    params = {"version": "1", "networkmode": "none", "forcerm": "1"}

    async def build() -> None:
        async with engine.request(
            "build", "POST", params=params, headers=TAR, data=context.getvalue()
        ) as answer:
            await answer.read()

    async with open_client() as engine, anyio.create_task_group() as tasks:
        tasks.start_soon(build)
        await until(lambda: "running" in {c["State"] for c in scripts.engine.containers(**marks)})
        yield marks
        tasks.cancel_scope.cancel()
    await until(lambda: not scripts.engine.containers(**own))
    filters = {"filters": json.dumps({"label": [scripts.label]})}
    for layer in scripts.engine.http.get("/images/json", params=filters).json():
        scripts.engine.http.delete(f"/images/{layer['Id']}")


async def test_gpus_are_given_while_a_step_has_more_labels_than_the_engine_is_heard_of(
    make: Make, step: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launchkit_docker.engine.client, "MAX_ANSWER", LONG)
    gpus = make()
    await gpus.take("new", Gpus(count=3), RecordingOutput())
    assert gpus.given("new") == ("a", "b", "c")


async def test_the_labels_of_a_dockerfile_take_no_gpu_while_it_is_built(
    make: Make, scripts: Scripts, step: Mapping[str, str]
) -> None:
    gpus = make()
    await gpus.take("new", Gpus(count=3), RecordingOutput())
    assert gpus.given("new") == ("a", "b", "c")
    assert scripts.engine.containers(**step)


async def test_a_device_may_be_named_in_two_ways(make: Make) -> None:
    gpus = make()
    await gpus.take("one", Gpus(device_ids=("GPU-1",)), RecordingOutput())
    await gpus.take("two", Gpus(count=1), RecordingOutput())
    assert (gpus.given("one"), gpus.given("two")) == (("a",), ("b",))


async def test_what_can_never_be_given_is_not_waited_for(make: Make) -> None:
    with pytest.raises(Rejected, match="4 is wanted"):
        await make().take("one", Gpus(count=4), RecordingOutput())


async def test_devices_that_another_agent_got_meanwhile_are_given_up(make: Make) -> None:
    slept, awake, out = make(), make(), RecordingOutput()
    await slept.take("one", Gpus(count=1), out)
    awake.adopt("one", ("a",))
    await awake.release("one")
    await awake.take("two", Gpus(count=1), out)
    assert (slept.given("one"), awake.given("two")) == (("a",), ("a",))
    await slept.confirm("one", Gpus(count=1))
    await awake.confirm("two", Gpus(count=1))
    assert (slept.given("one"), awake.given("two")) == (("b",), ("a",))
