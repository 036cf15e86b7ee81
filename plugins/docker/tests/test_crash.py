"""Agents that are killed at each step of a container's life, and those that finish for them."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import anyio
import pytest
from anyio.to_thread import run_sync
from docker_engine import SOCKET, Engine
from launchkit_docker.build.call import LABEL
from waiting import PATIENCE, until

import launchkit
from launchkit import LaunchHandle
from launchkit.model import ItemState
from launchkit.testing import Relay, Way, registry_server, relay

from .test_journeys import Stage, text
from .workshop import LABEL as TEST_LABEL
from .workshop import write_code

LINES = 100
COUNT = "echo started >> /place/starts"
SCRIPT = f"{COUNT}; n=0; while [ $n -lt {LINES} ]; do echo line $n; n=$((n+1)); done; sleep 0.3"
WHOLE = [f"line {n}" for n in range(LINES)]
REQUESTS = {
    "build": r"POST /v[\d.]+/build\b",
    "pull": r"POST /v[\d.]+/images/create\b",
    "create": r"POST /v[\d.]+/containers/create\b",
    "start": r"POST /v[\d.]+/containers/[^/]+/start\b",
    "logs": r"GET /v[\d.]+/containers/[^/]+/logs\b",
    "remove": r"DELETE /v[\d.]+/containers/",
}
MOMENTS = [
    ("create", "before"),
    ("create", "after"),
    ("start", "before"),
    ("start", "after"),
    ("logs", "before"),
    ("logs", "during"),
    ("logs", "after"),
    ("remove", "after"),
]


class Ambush(Relay):
    """A way to the Engine on which an agent is killed at one moment of one request."""

    def __init__(self, step: str, moment: str, word: bytes = b"") -> None:
        super().__init__(Path(SOCKET))
        self.step, self.moment = step, moment
        self.word = word
        """What the answer must hold for the moment `during`."""
        self.agent: subprocess.Popen[bytes] | None = None
        self.done = anyio.Event()
        self._answers: dict[Way, bytes] = {}

    async def on_request(self, way: Way, data: bytes) -> None:
        if re.match(REQUESTS[self.step].encode(), data):
            if self.moment == "before":
                await self._kill()
                raise ConnectionAbortedError
            self._answers[way] = b""

    async def on_answer(self, way: Way, data: bytes) -> None:
        if way in self._answers:
            self._answers[way] += data
            if self._comes(self._answers[way]):
                await self._kill()

    def _comes(self, answer: bytes) -> bool:
        """Whether the moment has come."""
        return (self.moment == "during" and self.word in answer) or _is_whole(answer)

    async def _kill(self) -> None:
        assert self.agent
        self.agent.kill()
        await run_sync(self.agent.wait)
        self.done.set()


def _is_whole(answer: bytes) -> bool:
    return b"Transfer-Encoding: chunked" not in answer or answer.endswith(b"0\r\n\r\n")


@dataclass
class Scene:
    """A queue whose containers leave word in a directory."""

    stage: Stage
    folder: Path
    builder: Mapping[str, object] = field(default_factory=lambda: {"type": "noop"})

    def process(self, host: str) -> "subprocess.Popen[bytes]":
        config = self.stage.config(builder=self.builder)
        command = [sys.executable, "-m", "launchkit", "agent", "-q", "q", "--config", str(config)]
        with (self.stage.folder / "agent.log").open("ab") as log:
            return subprocess.Popen(command, stderr=log, env={**os.environ, "DOCKER_HOST": host})

    async def kill(self, ambush: Ambush) -> None:
        """Have an agent killed."""
        async with relay(ambush) as way:
            ambush.agent = self.process(f"tcp://{way.host}")
            try:
                with anyio.fail_after(PATIENCE):
                    await ambush.done.wait()
            finally:
                ambush.agent.kill()
                await run_sync(ambush.agent.wait)

    async def kill_and_finish(self, run: LaunchHandle, step: str, moment: str) -> None:
        """Have an agent killed, and another one finish the launch."""
        await self.kill(Ambush(step, moment))
        await self.finish(run)

    async def finish(self, run: LaunchHandle) -> None:
        """Have another agent finish the launch."""
        async with self.stage.agent(builder=self.builder):
            await self.stage.ended(run)

    async def check(self, run: LaunchHandle) -> None:
        """It ran once, all that it printed is there once, and nothing is left of it."""
        assert run.item.state is ItemState.FINISHED, (run.item.verdict, await text(run))
        assert (self.folder / "starts").read_text() == "started\n"
        lines = (await text(run)).splitlines()
        assert lines[-LINES:] == WHOLE
        assert [line for line in lines if line.startswith("line ")] == WHOLE
        assert self.stage.containers(run) == []
        code = self.stage.folder / "state" / "docker" / "code"
        assert not code.exists() or [*code.iterdir()] == []


@pytest.fixture
async def scene(tmp_path: Path, docker_engine: Engine) -> AsyncIterator[Scene]:
    folder = tmp_path / "place"
    folder.mkdir()
    url = f"sqlite:///{tmp_path}/launchkit.db"
    async with launchkit.connect(url) as client:
        await client.create_queue(
            "q", "local-container", {"volume": f"{folder}:/place", "network": "none"}
        )
        yield Scene(Stage(client, url, tmp_path, docker_engine), folder)
        for run in await client.launches():
            docker_engine.remove_containers(**{"launchkit.run-id": run.item.run_id})


@pytest.mark.parametrize(("step", "moment"), MOMENTS)
async def test_a_container_whose_agent_is_killed_runs_once_and_leaves_nothing(
    scene: Scene, busybox: str, step: str, moment: str
) -> None:
    run = await scene.stage.client.launch("q", image=busybox, entry_point=["sh", "-c", SCRIPT])
    await scene.kill_and_finish(run, step, moment)
    await scene.check(run)


@pytest.mark.parametrize("noted", [True, False], ids=["noted", "known_to_the_queue_alone"])
async def test_what_a_killed_agent_was_about_to_remove_goes_with_the_next_launch(
    scene: Scene, busybox: str, noted: bool
) -> None:
    launch = scene.stage.client.launch
    run = await launch("q", image=busybox, entry_point=["sh", "-c", SCRIPT])
    await scene.kill_and_finish(run, "remove", "before")
    assert scene.stage.containers(run)
    marks = scene.stage.folder / "state" / "docker" / "marks"
    if not noted:  # as if the agent had died before it could do that
        shutil.rmtree(marks)
    async with scene.stage.agent(builder={"type": "noop"}):
        await scene.stage.ended(await launch("q", image=busybox, entry_point=["true"]))
        await until(lambda: scene.stage.containers(run) == [])
    assert [*marks.glob(f"*{run.run_id}*.over")]  # so that an agent that slept starts it no more
    await scene.check(run)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with registry_server(tmp_path_factory.mktemp("host") / "registry") as server:
        yield server.host


@pytest.fixture
def remote(docker_engine: Engine, busybox: str, host: str) -> Iterator[str]:
    """An image that only a registry has."""
    name = f"{host}/{uuid4().hex[:8]}"
    docker_engine.http.post(f"/images/{busybox}/tag", params={"repo": name, "tag": "1"})
    pushed = docker_engine.http.post(
        f"/images/{name}/push", params={"tag": "1"}, headers={"X-Registry-Auth": "e30="}
    )
    assert "digest" in pushed.text, pushed.text
    docker_engine.remove(f"{name}:1")
    assert not docker_engine.has(f"{name}:1")
    yield f"{name}:1"
    docker_engine.remove(f"{name}:1")


@pytest.mark.parametrize("moment", ["before", "during", "after"])
async def test_an_image_whose_agent_is_killed_while_it_is_pulled_is_pulled_by_the_next(
    scene: Scene, remote: str, moment: str
) -> None:
    run = await scene.stage.client.launch("q", image=remote, entry_point=["sh", "-c", SCRIPT])
    await scene.kill_and_finish(run, "pull", moment)
    await scene.check(run)


CLASSIC = {"type": "docker", "buildkit": False}
"""Its builds have containers that others can see, and send signals to."""
AT_WORK = b'"at work'
STEP = "/bin/busybox --install /bin; trap 'exit 0' TERM; echo at work; sleep 600 & wait"


@dataclass(frozen=True)
class Code:
    """Code that becomes an image of its own name, with a step that lasts until it is told."""

    path: Path
    engine: Engine

    def steps(self) -> list[str]:
        """The containers of the step that are at work."""
        listed = self.engine.http.get("/containers/json").json()
        return [each["Id"] for each in listed if self.path.name in each["Command"]]

    @asynccontextmanager
    async def steps_end(self) -> AsyncIterator[None]:
        """Meanwhile the step is told to end whenever it is at work."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._end_steps)
            yield
            tasks.cancel_scope.cancel()

    async def _end_steps(self) -> None:
        while True:
            for each in self.steps():
                self.engine.http.post(f"/containers/{each}/kill", params={"signal": "TERM"})
            await anyio.sleep(0.05)

    def nameless(self, *labels: str) -> list[str]:
        """The images without a name that builds have left."""
        wanted = [f"{TEST_LABEL}={self.path.name}", *labels]
        filters = json.dumps({"dangling": ["true"], "label": wanted})
        listed = self.engine.http.get("/images/json", params={"filters": filters}).json()
        return [image["Id"] for image in listed]


@pytest.fixture
def code(tmp_path: Path, docker_engine: Engine) -> Iterator[Code]:
    name = f"crash-{uuid4().hex[:8]}"
    step = f'RUN ["/bin/busybox", "sh", "-c", "{STEP}; : {name}"]'
    path = write_code(tmp_path / name, f"{step}\n", label=name, word=name)
    (path / "Dockerfile").rename(path / "Dockerfile.launchkit")
    code = Code(path, docker_engine)
    yield code
    for image in (*docker_engine.images(f"launchkit.invalid/{name}"), *code.nameless()):
        docker_engine.remove(image)


@pytest.mark.parametrize("moment", ["before", "during", "after"])
async def test_code_whose_agent_is_killed_while_it_is_built_is_built_by_the_next(
    scene: Scene, code: Code, moment: str
) -> None:
    scene.builder = CLASSIC
    entry = ["/bin/sh", "-c", SCRIPT]
    run = await scene.stage.client.launch("q", uri=str(code.path), entry_point=entry)
    async with code.steps_end() if moment == "after" else nullcontext():
        await scene.kill(Ambush("build", moment, AT_WORK))
    await until(lambda: code.steps() == [])
    async with code.steps_end():
        await scene.finish(run)
    await scene.check(run)
    assert (await text(run)).count("building image") == (1 if moment == "after" else 2)
    assert code.nameless(LABEL) == []
    assert [*(scene.stage.folder / "state" / "work").iterdir()] == []


async def test_two_agents_make_one_image_also_if_one_is_killed_at_it(
    scene: Scene, code: Code
) -> None:
    scene.builder = CLASSIC
    launch = scene.stage.client.launch
    entry = ["/bin/sh", "-c", COUNT]
    runs = [await launch("q", uri=str(code.path), entry_point=entry) for _ in range(4)]
    await scene.kill(Ambush("build", "during", AT_WORK))
    await until(lambda: code.steps() == [])
    async with (
        code.steps_end(),
        scene.stage.agent(builder=CLASSIC),
        scene.stage.agent(builder=CLASSIC),
    ):
        assert await scene.stage.ended(*runs) == [ItemState.FINISHED] * 4
    said = "\n".join([await text(run) for run in runs])
    assert said.count("building image") == 2  # that of the killed one, and one more
    assert (scene.folder / "starts").read_text() == "started\n" * 4


async def test_a_start_whose_answer_is_lost_is_not_made_twice(
    scene: Scene, busybox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await scene.stage.client.launch("q", image=busybox, entry_point=["sh", "-c", COUNT])
    async with relay(Path(SOCKET)) as way:
        way.break_before(b"204 No Content")
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{way.host}")
        async with scene.stage.agent(builder={"type": "noop"}):
            assert await scene.stage.ended(run) == [ItemState.FINISHED]
    assert (scene.folder / "starts").read_text() == "started\n"


async def test_an_agent_that_is_cancelled_ends_and_leaves_its_container_alone(
    scene: Scene, code: Code, caplog: pytest.LogCaptureFixture
) -> None:
    entry = ["/bin/sh", "-c", f"{COUNT}; sleep 600"]
    run = await scene.stage.client.launch("q", uri=str(code.path), entry_point=entry)
    with anyio.fail_after(PATIENCE), anyio.CancelScope() as scope:
        async with code.steps_end(), scene.stage.agent(builder=CLASSIC):
            await run.wait_until(ItemState.RUNNING)
            scope.cancel()
    assert scope.cancelled_caught
    assert "Exception in callback" not in caplog.text  # so a hang of the event loop ends
    assert scene.stage.inspect(run)["State"]["Running"]
    scene.stage.engine.remove_containers(**{"launchkit.run-id": run.run_id})
