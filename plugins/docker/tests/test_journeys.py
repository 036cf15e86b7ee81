"""Launches that go all the way: from code or an image, through an agent, into containers."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import launchkit_docker
import pytest
from docker_engine import Engine
from launchkit_docker.containers.labels import REMOVE
from launchkit_docker.runner import ContainerRunner
from registry.conftest import PASSWORD, USER, Served
from waiting import PATIENCE, until

import launchkit
from launchkit import Agent, Client, LaunchHandle
from launchkit.model import ItemState, Timeouts
from launchkit.plugins import Plugins
from launchkit.runners.identity import DOCKER, RunIdentity
from launchkit.settings import load_settings
from launchkit.store.backend import StoreBackend
from launchkit.testing import registry_server, site_at, started

SEED = {
    "env": ["MY_ENV_VAR=value", "MY_EXISTING_ENV_VAR"],
    "volume": "/tmp:/mnt/datasets",
    "rm": True,
}


@dataclass
class Stage:
    """A client, settings for agents, and code in a git repository."""

    client: Client
    url: str
    folder: Path
    engine: Engine

    def config(self, **more: object) -> Path:
        path = self.folder / "launch-config.yaml"
        settings = {
            "backend": self.url,
            "queues": ["q"],
            "max_jobs": 4,
            "stopped_run_timeout": 5,
            "state_dir": str(self.folder / "state"),
            "cache_dir": str(self.folder / "cache"),
            **more,
        }
        path.write_text(repr(settings).replace("True", "true").replace("None", "null"))
        return path

    def agent(self, **more: object) -> Agent:
        settings = load_settings(self.config(**more), environ={}).settings
        return Agent(settings, plugins=Plugins(launchkit_docker, entry_points=False))

    def process(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "launchkit", "agent", "-q", "q"]
        command += ["--config", str(self.config(builder={"type": "noop"}))]
        with (self.folder / "agent.log").open("ab") as log:
            return subprocess.Popen(command, stderr=log)

    def repository(self, **files: str) -> str:
        root = self.folder / f"repository-{len(list(self.folder.iterdir()))}"
        root.mkdir()
        for name, content in files.items():
            (root / f"{name}.py").write_text(content)
        for command in ("init --quiet -b main", "add .", "commit --quiet -m code"):
            who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
            subprocess.run(["git", "-C", root, *who, *command.split()], check=True)
        return root.as_uri()

    async def ended(self, *runs: LaunchHandle) -> Sequence[ItemState]:
        with anyio.fail_after(PATIENCE):
            return [(await run.wait()).state for run in runs]

    def containers(self, run: LaunchHandle) -> list[dict[str, Any]]:
        return self.engine.containers(**{"launchkit.run-id": run.run_id})

    def inspect(self, run: LaunchHandle) -> dict[str, Any]:
        (container,) = self.containers(run)
        found: dict[str, Any] = self.engine.http.get(f"/containers/{container['Id']}/json").json()
        return found


@pytest.fixture
async def stage(tmp_path: Path, docker_engine: Engine) -> AsyncIterator[Stage]:
    url = f"sqlite:///{tmp_path}/launchkit.db"
    async with launchkit.connect(url) as client:
        stage = Stage(client, url, tmp_path, docker_engine)
        yield stage
        for run in await client.launches():
            for container in stage.engine.containers(**{"launchkit.run-id": run.item.run_id}):
                docker_engine.http.delete(f"/containers/{container['Id']}", params={"force": True})


async def text(run: LaunchHandle) -> str:
    return "\n".join([line async for line in run.logs(follow=True)])


async def running(run: LaunchHandle) -> None:
    await run.wait_until(ItemState.RUNNING, timeout=PATIENCE)
    assert run.item.state is ItemState.RUNNING, run.item


async def test_the_example_of_the_seed_yields_exactly_its_container(
    stage: Stage, python_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_EXISTING_ENV_VAR", "the agent's")
    await stage.client.create_queue("q", "local-container", SEED)
    run = await stage.client.launch("q", image=python_image, entry_point=["sleep", "1000"])
    async with stage.agent(builder={"type": "noop"}):
        await running(run)
        seen = stage.inspect(run)
        await run.stop("test")
        assert await stage.ended(run) == [ItemState.STOPPED]
    assert {"MY_ENV_VAR=value", "MY_EXISTING_ENV_VAR=the agent's"} <= {*seen["Config"]["Env"]}
    assert seen["HostConfig"]["Binds"] == ["/tmp:/mnt/datasets"]
    assert seen["Config"]["Entrypoint"] == ["sleep"]
    assert seen["Config"]["Cmd"] == ["1000"]
    assert stage.containers(run) == []


async def test_a_killed_agent_leaves_its_container_to_the_next(
    stage: Stage, python_image: str
) -> None:
    gate = stage.folder / "gate"
    gate.mkdir()
    script = "print('first', flush=True)\nimport os, time\n"
    script += "while not os.path.exists('/gate/open'): time.sleep(0.02)\nprint('second')"
    await stage.client.create_queue("q", "local-container", {"volume": f"{gate}:/gate"})
    entry = ["python", "-c", script]
    run = await stage.client.launch("q", image=python_image, entry_point=entry)
    first = stage.process()
    await running(run)
    first.kill()
    await anyio.to_thread.run_sync(first.wait)
    container = stage.inspect(run)["Id"]
    async with stage.agent(builder={"type": "noop"}):
        (gate / "open").touch()
        assert await stage.ended(run) == [ItemState.FINISHED]
    assert (await text(run)).endswith("first\nsecond")
    assert container
    assert stage.containers(run) == []


async def test_what_ends_badly_has_a_verdict(stage: Stage, python_image: str) -> None:
    await stage.client.create_queue("q", "local-container", {"memory": "32m", "memory-swap": "32m"})
    hungry = ["python", "-c", "x = bytearray(1 << 30)"]
    runs = [
        await stage.client.launch("q", image=python_image, entry_point=entry)
        for entry in (["python", "-c", "exit(3)"], ["no-such-program"], hungry)
    ]
    runs.append(await stage.client.launch("q", image="no.such.host.example/none:1"))
    async with stage.agent(builder={"type": "noop"}):
        assert set(await stage.ended(*runs)) == {ItemState.FAILED}
    codes = [run.item.verdict and run.item.verdict.code for run in runs]
    assert codes == ["user_exit", "entry_point_not_found", "oom_killed", "image_pull_failed"]
    assert [stage.containers(run) for run in runs] == [[], [], [], []]


@pytest.mark.thorough
async def test_sixty_four_containers_at_once_leave_nothing(stage: Stage, busybox: str) -> None:
    gate = stage.folder / "gate"
    gate.mkdir()
    await stage.client.create_queue("q", "docker", {"volume": f"{gate}:/gate"})
    entry = ["sh", "-c", "while [ ! -e /gate/open ]; do sleep 0.1; done; echo done"]
    runs = [await stage.client.launch("q", image=busybox, entry_point=entry) for _ in range(64)]
    async with stage.agent(max_jobs=-1, builder={"type": "noop"}):
        for run in runs:
            await running(run)
        (gate / "open").touch()
        assert set(await stage.ended(*runs)) == {ItemState.FINISHED}
    assert [(await text(run)).splitlines()[-1] for run in runs] == ["done"] * 64
    assert [stage.containers(run) for run in runs] == [[]] * 64


async def test_code_is_laid_into_a_base_image_where_nothing_builds(
    stage: Stage, python_image: str
) -> None:
    config = {"builder": {"base_image": python_image}}
    await stage.client.create_queue("q", "local-container", config)
    uri = stage.repository(train="import os; print(os.getcwd(), os.access('train.py', os.W_OK))")
    run = await stage.client.launch("q", uri=uri, entry_point=["python", "train.py"])
    async with stage.agent(builder={"type": "noop"}):
        assert await stage.ended(run) == [ItemState.FINISHED], run.item.verdict
    assert (await text(run)).endswith("/mnt/launchkit False")


@pytest.mark.parametrize("policy", ["open", "strict"])
async def test_a_name_that_macros_make_a_path_lays_code_nowhere(
    stage: Stage, python_image: str, policy: str
) -> None:
    config = {"name": "${run_name}", "builder": {"base_image": python_image}}
    await stage.client.create_queue("q", "local-container", config)
    uri = stage.repository(train="print('trained')")
    outside = stage.folder / "outside"
    outside.mkdir()
    names = [str(outside / "y"), "../../../outside/y", "../y", "train"]
    entry = ["python", "train.py"]
    runs = [await stage.client.launch("q", uri=uri, entry_point=entry, name=name) for name in names]
    before = sorted(stage.folder.glob("[!lsc]*/**"))
    rules = {"docker": policy, "local_repositories": [str(stage.folder)]}
    async with stage.agent(builder={"type": "noop"}, policy=rules):
        *refused, good = await stage.ended(*runs)
    assert good is ItemState.FINISHED, runs[-1].item.verdict
    assert refused == [ItemState.FAILED] * 3
    for run in runs[:3]:
        assert run.item.verdict
        assert run.item.verdict.code == "rejected"
        assert "resource_args.name: must be at most" in run.item.verdict.summary
        assert stage.containers(run) == []
    assert sorted(stage.folder.glob("[!lsc]*/**")) == before
    state = {path for path in (stage.folder / "state").rglob("*") if path.parent.name != "marks"}
    assert not any(path.name.startswith(("y", "train")) for path in state)


async def test_what_a_run_prints_holds_up_neither_its_agent_nor_other_runs(
    stage: Stage, busybox: str
) -> None:
    (stage.folder / "printed").write_bytes(b"\x1b]" * 80_000)
    await stage.client.create_queue("q", "local-container", {"volume": f"{stage.folder}:/place"})
    script = "echo up; until [ -e /place/gate ]; do sleep 0.1; done"
    steady = await stage.client.launch("q", image=busybox, entry_point=["sh", "-c", script])
    async with stage.agent(builder={"type": "noop"}, lease_seconds=3.0):
        await running(steady)
        script = "cat /place/printed; exit 1"
        loud = await stage.client.launch("q", image=busybox, entry_point=["sh", "-c", script])
        assert await stage.ended(loud) == [ItemState.FAILED]
        steady = await stage.client.launched(steady.item.id)
        assert steady.item.state is ItemState.RUNNING
        (stage.folder / "gate").touch()
        assert await stage.ended(steady) == [ItemState.FINISHED]
    assert loud.item.verdict
    assert (loud.item.verdict.code, loud.item.verdict.evidence) == ("user_exit", ("…",))
    assert (steady.item.attempt, await text(steady)) == (1, "up")


async def test_a_repository_is_built_pushed_and_run_by_digest_and_not_built_again(
    stage: Stage,
    python_image: str,
    authenticated_registry: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", PASSWORD)
    repository = authenticated_registry["uri"]
    login = {"username": USER, "password_env": "REGISTRY_PASSWORD"}
    registry = {"type": "oci", **authenticated_registry, **login}
    settings = {"builder": {"type": "docker", "destination": repository}, "registry": registry}
    await stage.client.create_queue("q", "local-container")
    uri = stage.repository(train="print('trained')")
    entry = ["python", "train.py"]
    first = await stage.client.launch("q", uri=uri, entry_point=entry)
    second = await stage.client.launch("q", uri=uri, entry_point=entry)
    async with stage.agent(max_jobs=1, **settings):
        assert await stage.ended(first, second) == [ItemState.FINISHED] * 2, first.item.verdict
    assert first.item.resolved
    assert second.item.resolved
    image = str(first.item.resolved["image"])
    assert image.startswith(f"{repository}@sha256:")
    assert second.item.resolved["image"] == image
    assert "pushing image" in await text(first)
    assert "nothing to build" in await text(second)
    assert PASSWORD not in await text(first) + repr(first.item)
    for name in stage.engine.images(repository):
        stage.engine.remove(name)
    stage.engine.remove(image)


async def test_a_run_that_is_stopped_is_told_first(stage: Stage, python_image: str) -> None:
    script = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('told', flush=True), sys.exit(0)))\n"
        "print('ready', flush=True)\ntime.sleep(1000)"
    )
    await stage.client.create_queue("q", "local-container")
    entry = ["python", "-c", script]
    limits = Timeouts(stop_grace=20)
    run = await stage.client.launch("q", image=python_image, entry_point=entry, timeouts=limits)
    async with stage.agent(builder={"type": "noop"}):
        async for line in run.logs(follow=True):
            if line == "ready":
                await run.stop("test")
        assert await stage.ended(run) == [ItemState.STOPPED]
    assert "told" in await text(run)


LIVES = "trap 'exit 0' TERM; sleep 600 & wait"
COMMANDS = {"created": ["true"], "exited": ["true"], "running": ["sh", "-c", LIVES]}


def _left_by_a_build(stage: Stage, body: dict[str, Any], state: str) -> list[str]:
    """Make a container as a step of a build is, which has the labels that its Dockerfile names,
    and a name that nobody can choose; gives its names.
    """
    made = stage.engine.http.post("/containers/create", json=body).raise_for_status().json()["Id"]
    if state != "created":
        stage.engine.http.post(f"/containers/{made}/start")
    if state == "exited":
        stage.engine.http.post(f"/containers/{made}/wait")
    return [stage.engine.http.get(f"/containers/{made}/json").json()["Name"]]


@pytest.mark.parametrize("state", [*COMMANDS])
async def test_what_a_killed_agent_left_of_launches_that_are_over_is_removed(
    stage: Stage, busybox: str, state: str
) -> None:
    await stage.client.create_queue("q", "local-container")
    over, waits = [await stage.client.launch("q", image=busybox) for _ in range(2)]
    await over.stop()
    entity = stage.client.entity
    others: dict[str, list[str]] = {}
    for run in (over, waits):
        identity = RunIdentity(
            run_id=run.run_id, item_id=run.id, attempt=1, entity=entity, queue="q", agent="dead"
        )
        labels = {**DOCKER.labels(identity), REMOVE: "true"}
        body = {"Image": busybox, "Cmd": COMMANDS[state], "Labels": labels}
        name = f"launchkit-{run.run_id}-1"
        stage.engine.http.post("/containers/create", params={"name": name}, json=body)
        if state != "created":
            stage.engine.http.post(f"/containers/{name}/start")
        if state == "exited":
            stage.engine.http.post(f"/containers/{name}/wait")
        others[run.id] = _left_by_a_build(stage, body, state)
    async with (
        site_at(stage.folder) as site,
        started(StoreBackend(url=stage.url, entity=entity), site) as backend,
        started(ContainerRunner(), replace(site, backend=backend)) as runner,
    ):
        await runner.check()
        await until(lambda: [one["Names"] for one in stage.containers(over)] == [others[over.id]])
    assert len(stage.containers(waits)) == 2
    (left,) = stage.containers(over)
    assert left["State"] == state


@pytest.fixture(params=["plain", "TLS"])
def authenticated_registry(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[dict[str, str]]:
    """How to reach a real registry on this machine that wants a password."""
    if request.param == "TLS":
        served: Served = request.getfixturevalue("password_registry")
        yield {"uri": f"{served.host}/{tmp_path.name}", "ca": str(served.ca)}
        return
    with registry_server(tmp_path / "registry", login=(USER, PASSWORD)) as server:
        host = server.host
        yield {"uri": f"{host}/{tmp_path.name}"}
