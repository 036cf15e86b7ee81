"""An agent in a container of the Engine that it asks, whose socket is mounted there."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from anyio.to_thread import run_sync
from docker_engine import SOCKET, Engine
from waiting import PATIENCE

import launchkit
from launchkit import LaunchHandle
from launchkit.model import ItemState

from .test_journeys import Stage, stage, text

__all__ = ["stage"]

STATE = Path("/agent-state")
"""The agent's `state_dir`: no directory of the Engine's machine is called so."""
CODE = Path(launchkit.__file__).parents[1]
PROGRAMS = {*map(Path, ("/usr", "/lib", "/lib64", sys.base_prefix, sys.prefix)), CODE}


@dataclass
class Contained:
    """Runs `launchkit` in containers that see the Engine's socket, the queue, and the programs of
    this machine.
    """

    stage: Stage
    image: str
    names: list[str] = field(default_factory=list)
    """Of the containers so far."""

    async def launchkit(self, *words: str, mounts: Sequence[str] = ()) -> str:
        """What it prints to its end."""
        name = f"launchkit-test-{uuid4().hex[:8]}"
        self.names.append(name)
        settings = {"builder": {"type": "noop"}, "state_dir": str(STATE), "cache_dir": "/cache"}
        config = str(self.stage.config(**settings))
        command = [sys.executable, "-m", "launchkit", "--config", config, *words]
        programs = [f"{place}:{place}:ro" for place in PROGRAMS if place.exists()]
        shared = [f"{SOCKET}:{SOCKET}", f"{self.stage.folder}:{self.stage.folder}"]
        host = {"Binds": [*programs, *shared, *mounts], "NetworkMode": "none"}
        made = {"Image": self.image, "Cmd": command, "HostConfig": host, "Env": ["HOME=/root"]}
        return await run_sync(self._run, name, made)

    def _run(self, name: str, made: dict[str, object]) -> str:
        ask = partial(self.stage.engine.http.request, timeout=PATIENCE)
        ask("POST", "/containers/create", params={"name": name}, json=made).raise_for_status()
        ask("POST", f"/containers/{name}/start").raise_for_status()
        ask("POST", f"/containers/{name}/wait").raise_for_status()
        streams = {"stdout": "1", "stderr": "1"}
        return ask("GET", f"/containers/{name}/logs", params=streams).text

    async def launch(self) -> LaunchHandle:
        """One whose code is to be laid into an image that lacks it."""
        code = self.stage.folder / "code"
        code.mkdir()
        (code / "word").write_text("laid in")
        config = {"network": "none", "builder": {"base_image": self.image}}
        await self.stage.client.create_queue("q", "local-container", config)
        return await self.stage.client.launch("q", uri=code, entry_point=["cat", "word"])

    async def agent(self, *, mounts: Sequence[str] = ()) -> str:
        """One that ends when all is done."""
        return await self.launchkit("agent", "--exit-when-idle", mounts=mounts)

    def remove(self) -> None:
        for name in self.names:
            self.stage.engine.http.delete(f"/containers/{name}", params={"force": True, "v": True})


@pytest.fixture
def contained(stage: Stage, busybox: str) -> Iterator[Contained]:
    contained = Contained(stage, busybox)
    yield contained
    contained.remove()


@pytest.fixture(params=["a directory", "a volume"])
def mount(request: pytest.FixtureRequest, docker_engine: Engine, tmp_path: Path) -> Iterator[str]:
    """What the agent's `state_dir` is in."""
    if request.param == "a directory":
        yield f"{tmp_path}/elsewhere:{STATE}"
        return
    volume = f"launchkit-test-{uuid4().hex[:8]}"
    yield f"{volume}:{STATE}"
    answer = docker_engine.http.delete(f"/volumes/{volume}", params={"force": True})
    answer.raise_for_status()  # no container of it is left


async def test_an_agent_in_a_container_lays_code_into_others(
    mount: str, contained: Contained
) -> None:
    run = await contained.launch()
    log = await contained.agent(mounts=[mount])
    assert await contained.stage.ended(run) == [ItemState.FINISHED], log
    assert (await text(run)).endswith("laid in")
    told = await contained.launchkit("doctor", mounts=[mount])
    assert f"the agent runs in container {contained.names[-1]}; code is laid out of" in told


async def test_an_agent_whose_files_the_engine_cannot_see_says_what_to_mount(
    contained: Contained,
) -> None:
    run = await contained.launch()
    log = await contained.agent()
    assert await contained.stage.ended(run) == [ItemState.FAILED], log
    verdict = run.item.verdict
    assert verdict
    assert f"the agent runs in container {contained.names[-1]}" in verdict.summary
    assert "docker run -v NAME:DIR" in (verdict.hint or "")
    assert "docker run -v NAME:DIR" in await contained.launchkit("doctor")
