"""Authors of plugins have a queue service of their own in one line."""

import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE

import pytest

from launchkit import hookimpl, testing
from launchkit.abc import Runner
from launchkit.errors import ConfigError
from launchkit.model import ItemState, RunState
from launchkit.testing import FakeCompute, FakeRunner, OwnHub

COMPUTE = FakeCompute()
MINE = {"mine": {"where": "here"}}


@dataclass(kw_only=True)
class MyRunner(FakeRunner):
    kind = "mine"
    where: str
    compute: FakeCompute = field(init=False, repr=False, default=COMPUTE)


@hookimpl
def launchkit_runners() -> list[type[Runner]]:
    return [MyRunner]


THIS = sys.modules[__name__]


async def test_a_launch_goes_through_a_queue_and_an_agent_to_its_end() -> None:
    async with testing.hub(THIS) as hub:
        await hub.client.create_queue("q", "mine", {"mine": {"output": "hello\n", "exit_code": 0}})
        run = await hub.client.launch("q", image="img")
        await hub.run_agent(runners=MINE)
        assert (await run.wait()).state is ItemState.FINISHED
        assert [line async for line in run.logs()] == ["hello"]
        folder = hub.folder
    assert not folder.exists()


async def test_a_run_that_survives_its_agent_is_the_next_ones(tmp_path: Path) -> None:
    async with testing.hub(THIS, folder=tmp_path) as hub:
        await hub.client.create_queue("q", "mine")
        run = await hub.client.launch("q", image="img")
        async with hub.agent(runners=MINE) as agent:
            await run.wait_until(ItemState.RUNNING)
            agent.abort()
        [name] = [name for name in COMPUTE.processes if run.run_id in name]
        assert COMPUTE.find(name).status.state is RunState.RUNNING
        async with hub.agent(runners=MINE):
            COMPUTE.find(name).end(3)
            item = await run.wait()
    assert (item.state, item.exit_code, COMPUTE.starts[name]) == (ItemState.FAILED, 3, 1)


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[OwnHub]:
    async with testing.hub(THIS, folder=tmp_path) as hub:
        yield hub


async def test_what_is_wrong_in_the_settings_is_told_with_its_place(hub: OwnHub) -> None:
    await hub.client.create_queue("q", "mine")
    with pytest.raises(ConfigError, match=r"launch-config.yaml:\d+: max_jobs"):
        await hub.run_agent(max_jobs="many")


async def test_its_backend_is_the_agents_side_of_the_same_queues(hub: OwnHub) -> None:
    await hub.client.create_queue("q", "mine")
    run = await hub.client.launch("q", image="img")
    claim = await hub.backend.claim("q", testing.make_capacity(resource="mine"))
    assert claim is not None
    assert claim.item.id == (await run.view()).item.id


async def test_nobody_elses_settings_count(hub: OwnHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAUNCHKIT_BACKEND", "sqlite:////nowhere/at/all.db")
    monkeypatch.setenv("LAUNCHKIT_CONFIG", "/nowhere/launch-config.yaml")
    await hub.client.create_queue("q", "mine")
    settings = await hub.settings()
    assert settings.backend is not None
    assert (settings.backend.url, settings.queues) == (hub.url, ("q",))


def test_suites_and_fakes_are_imported_without_the_agent_and_the_program() -> None:
    program = "import sys, launchkit.testing; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], stdout=PIPE, text=True, check=True)
    above = {"launchkit.agent", "launchkit.client", "launchkit.cli", "launchkit.observe"}
    assert above.isdisjoint(loaded.stdout.split())
