"""Names of containers come from users and from the queue's database: none of them is a path."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from docker_engine import Engine
from launchkit_docker.containers.names import LONGEST_START
from launchkit_docker.containers.request import container_name
from launchkit_docker.engine.client import open_client
from launchkit_docker.images.store import find
from launchkit_docker.options.parsing import parse_options
from launchkit_docker.runner import ContainerRunner

import launchkit
from launchkit import Client
from launchkit.errors import Rejected, RunLost
from launchkit.model import Variable
from launchkit.testing import make_launch, make_submission

from .workshop import Scripts, read

BAD = (
    "/somewhere/y",
    "../../y",
    "a/b",
    "a\\b",
    ".hidden",
    "-rm",
    "..",
    " a",
    "a\n",
    "a\0b",
    "naïve",
    "x" * (LONGEST_START + 1),
    "y" * 999_000,
    "${run_id}/x",
    "${a${b}}/x",
)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with launchkit.connect(f"sqlite:///{tmp_path}/launchkit.db") as client:
        yield client


@pytest.mark.parametrize("name", BAD, ids=range(len(BAD)))
async def test_a_queue_cannot_begin_names_with_what_is_none(client: Client, name: str) -> None:
    with pytest.raises(Rejected, match=r"resource_args\.name: must be at most 200") as caught:
        await client.create_queue("q", "local-container", {"name": name})
    assert "train-RUN_ID-ATTEMPT" in (caught.value.hint or "")
    assert len(caught.value.message) < 400
    assert await client.queues() == []


@pytest.mark.parametrize("name", BAD, ids=range(len(BAD)))
async def test_neither_can_a_launch(client: Client, name: str) -> None:
    await client.create_queue("q", "local-container")
    with pytest.raises(Rejected, match=r"resource_args\.name: "):
        await client.launch("q", image="img", resource_args={"name": name})


async def test_a_name_is_looked_at_when_its_variables_are_filled(client: Client) -> None:
    variables = {"x": Variable(type="string")}
    await client.create_queue("q", "local-container", {"name": "{{x}}"}, variables=variables)
    await client.launch("q", image="img", variables={"x": "train"})
    with pytest.raises(Rejected, match=r"resource_args\.name: "):
        await client.launch("q", image="img", variables={"x": "../../y"})


@pytest.mark.parametrize("start", ["a", "train.v1_2-x", "x" * LONGEST_START, "train-${run_name}"])
def test_what_the_engine_takes_is_taken(start: str) -> None:
    assert parse_options({"name": start}).name == start


@pytest.mark.parametrize("key", ["run_id", "name"])
def test_what_the_queue_says_of_a_run_cannot_lead_a_name_astray(key: str) -> None:
    launch = make_launch(run_id="../../y" if key == "run_id" else "r1")
    submission = make_submission(launch=launch, **({"name": "../y"} if key == "name" else {}))
    with pytest.raises(Rejected, match="cannot be the name of a container"):
        container_name(parse_options({}), submission)


async def test_code_is_kept_under_a_name_of_the_agents_own(
    runner: ContainerRunner, scripts: Scripts, tmp_path: Path
) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "word").write_text("kept\n")
    submission = scripts("cat word; sleep 600", name="train", workdir="/mnt/launchkit")
    run = await runner.submit(replace(submission, code=code))
    assert await read(run, to=b"kept") == b"kept\n"
    (kept,) = (tmp_path / "state/docker/code").iterdir()
    assert run.ref.startswith("train-")
    assert "train" not in kept.name
    await run.cancel(0)
    await (await runner.attach(run.ref)).aclose()
    assert [*(tmp_path / "state/docker/code").iterdir()] == []


@pytest.mark.parametrize(
    "ref", ["../info", "../images/IMAGE", "x/../../info", "", "..", "a" * 300, "a\0", "é", "?all=1"]
)
async def test_a_ref_that_is_no_name_asks_nothing_of_the_engine(
    runner: ContainerRunner, scripts: Scripts, ref: str
) -> None:
    with pytest.raises(RunLost, match="is not the name of a container"):
        await runner.attach(ref.replace("IMAGE", scripts.image))


async def test_a_ref_to_what_is_no_run_is_not_taken_for_one(
    runner: ContainerRunner, scripts: Scripts, docker_engine: Engine
) -> None:
    label, _, value = scripts.label.partition("=")
    body = {"Image": scripts.image, "Cmd": ["sleep", "600"], "Labels": {label: value}}
    made = docker_engine.http.post("/containers/create", params={"name": "other"}, json=body)
    docker_engine.http.post(f"/containers/{made.json()['Id']}/start").raise_for_status()
    run = await runner.submit(scripts("sleep 600"))
    own = scripts.inspect(run.ref)
    assert own
    for ref in ("other", own["Id"], own["Id"][:12]):
        with pytest.raises(RunLost, match="is not the name of a run's container"):
            await runner.attach(ref)


@pytest.mark.parametrize("ref", ["../containers/ID", "x/../../containers/ID", "a?b", "../../info"])
async def test_the_name_of_an_image_is_no_other_path_of_the_engine(
    runner: ContainerRunner, scripts: Scripts, ref: str
) -> None:
    seen: dict[str, Any] | None = scripts.inspect((await runner.submit(scripts("true"))).ref)
    assert seen
    async with open_client() as engine:
        assert await find(engine, ref.replace("ID", seen["Id"])) is None
