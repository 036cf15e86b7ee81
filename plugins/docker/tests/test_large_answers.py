"""Whatever containers and images have to tell of themselves: lists go on, and runs can be ended."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import anyio
import launchkit_docker.engine.client
import launchkit_docker.images.store
import pytest
from docker_engine import Engine
from launchkit_docker.containers.container import Container
from launchkit_docker.containers.containers import Containers
from launchkit_docker.containers.informer import list_runs
from launchkit_docker.engine.client import open_client
from launchkit_docker.images.pull import PullError
from launchkit_docker.runner import ContainerRunner
from waiting import PATIENCE

from launchkit.errors import RunLost
from launchkit.testing import RecordingOutput, make_submission

from .pulled import image_id, load
from .workshop import WAITS, Scripts, read

LABEL = 60_000
"""Characters of a long label."""
LISTED, DESCRIBED = LABEL + 1_500, LABEL + 3_000
"""What a list tells of a container with one has fewer characters than the first, and what the
Engine tells of it alone more than the second."""


@pytest.fixture
def long_label(tmp_path: Path) -> str:
    """An option that gives a container a long label."""
    (tmp_path / "labels").write_text(f"long={'x' * LABEL}\n")
    return str(tmp_path / "labels")


def bound(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(launchkit_docker.engine.client, "MAX_ANSWER", size)


async def test_a_list_of_runs_may_be_longer_than_any_other_answer(
    runner: ContainerRunner, scripts: Scripts, long_label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [await runner.submit(scripts(WAITS, label_file=long_label)) for _ in range(3)]
    bound(monkeypatch, LISTED)
    async with open_client() as engine:
        listed = await list_runs(engine)
    assert {run.ref for run in runs} <= {each.name for each in listed}
    assert all("long" not in each.labels for each in listed)  # nor are they kept


async def test_a_run_that_cannot_be_looked_at_is_lost_and_not_waited_for(
    runner: ContainerRunner, scripts: Scripts, long_label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await runner.submit(scripts(WAITS, label_file=long_label))
    bound(monkeypatch, DESCRIBED)
    with anyio.fail_after(PATIENCE):
        for look in (run.status(), run.cancel(1), run.aclose(), read(run), runner.attach(run.ref)):
            with pytest.raises(RunLost, match=f"{run.ref} cannot be looked at"):
                await look


async def test_a_run_that_cannot_be_looked_at_is_ended_and_removed_by_its_name(
    runner: ContainerRunner,
    scripts: Scripts,
    long_label: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = await runner.submit(scripts(WAITS, label_file=long_label))
    await read(run, to=b"ready")
    bound(monkeypatch, DESCRIBED)
    async with open_client() as engine:
        containers = Containers(engine, tmp_path)
        with anyio.fail_after(PATIENCE):
            await containers.stop(run.ref, 30)
        seen = scripts.inspect(run.ref)
        assert seen
        assert (seen["State"]["Status"], seen["State"]["ExitCode"]) == ("exited", 0)
        await containers.remove(run.ref)
    assert scripts.inspect(run.ref) is None


async def test_one_container_that_cannot_be_looked_at_keeps_nobody_from_the_others(
    runner: ContainerRunner,
    scripts: Scripts,
    long_label: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    large, small = scripts("true", label_file=long_label), scripts("true")
    for each in (large, small):
        monkeypatch.setattr(Containers, "start", never)
        await runner.submit(each)
    bound(monkeypatch, DESCRIBED)
    async with open_client() as engine:
        with anyio.fail_after(PATIENCE):
            left = await Containers(engine, tmp_path).never_started(0)
    assert {large.name, small.name}.intersection(left) == {small.name}


async def never(self: Containers, container: Container) -> None:
    """As if the agent were killed before it starts what it has created."""


async def test_a_container_that_cannot_be_looked_at_is_not_left_when_it_was_just_created(
    runner: ContainerRunner, scripts: Scripts, long_label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = scripts(WAITS, label_file=long_label)
    bound(monkeypatch, DESCRIBED)
    with anyio.fail_after(PATIENCE), pytest.raises(RunLost, match="cannot be looked at"):
        await runner.submit(submission)
    assert scripts.inspect(submission.name) is None


@pytest.fixture
def large_image(docker_engine: Engine, busybox: str) -> Iterator[str]:
    """An image with a label that is longer than the config of an image may be."""
    name = f"{busybox.partition(':')[0]}-large:1"
    body = {"Image": busybox, "Cmd": ["true"], "Labels": {"long": "x" * LABEL}}
    made = docker_engine.http.post("/containers/create", json=body).json()["Id"]
    params = dict(zip(("container", "repo", "tag"), (made, *name.split(":")), strict=True))
    docker_engine.http.post("/commit", params=params, json=body).raise_for_status()
    docker_engine.http.delete(f"/containers/{made}")
    yield name
    docker_engine.remove(name)


@pytest.mark.parametrize(
    ("where", "most"),
    [
        ((launchkit_docker.images.store, "LARGEST_CONFIG"), LABEL),
        ((launchkit_docker.engine.client, "MAX_ANSWER"), LABEL),
    ],
    ids=["config", "answer"],
)
async def test_an_image_with_a_large_config_is_refused_with_what_to_do(
    runner: ContainerRunner,
    scripts: Scripts,
    large_image: str,
    where: tuple[object, str],
    most: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(*where, most)
    submission = make_submission("true", image=large_image)
    for call in (
        runner.prepare(submission, RecordingOutput()),
        runner.submit(submission),
    ):
        with pytest.raises(PullError, match="its config, which each of its containers") as caught:
            await call
        assert caught.value.hint
    assert scripts.inspect(submission.name) is None


@pytest.mark.parametrize(
    ("key", "most", "made"),
    [
        ("Volumes", 1_000, lambda many: {f"/{number}": {} for number in range(many)}),
        ("Env", 10_000, lambda many: [f"E{number}=" for number in range(many)]),
    ],
    ids=["volumes", "variables"],
)
async def test_an_image_that_keeps_the_engine_busy_with_each_container_is_refused(
    runner: ContainerRunner,
    docker_engine: Engine,
    key: str,
    most: int,
    made: Callable[[int], object],
) -> None:
    for many in (most, most + 1):
        name = f"launchkit-test-{uuid4().hex}:1"
        load(docker_engine, name, "amd64", config={key: made(many)})
        submission = make_submission("true", image=name, resource_args={"pull": "never"})
        try:
            if many == most:
                await runner.prepare(submission, RecordingOutput())
                continue
            with pytest.raises(PullError, match=f"has more than {most} entries in {key}"):
                await runner.prepare(submission, RecordingOutput())
        finally:
            docker_engine.remove(name)


async def test_a_container_is_made_of_the_image_that_was_looked_at_also_if_its_name_is_moved(
    runner: ContainerRunner, scripts: Scripts, docker_engine: Engine
) -> None:
    seen = image_id(docker_engine, scripts.image)
    run = await runner.submit(scripts("true"))
    container = scripts.inspect(run.ref)
    assert container
    assert container["Config"]["Image"] == container["Image"] == seen
