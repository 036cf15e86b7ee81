"""Code that needs an image is refused at launch where no agent of the queue builds images."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import anyio
import pytest
from agent.conftest import Bench
from waiting import PATIENCE

import launchkit
from launchkit import Agent, Client
from launchkit.abc import Runner
from launchkit.errors import Rejected
from launchkit.hookspecs import hookimpl
from launchkit.model import ItemState, LaunchSpec, Recipe
from launchkit.plugins import Plugins
from launchkit.settings import BuilderBlock
from launchkit.testing import FakeRunner


@dataclass(kw_only=True)
class ImageRunner(FakeRunner):
    kind = "images"


@dataclass(kw_only=True)
class LayingRunner(FakeRunner):
    kind = "laying"
    mounts_code = True


@hookimpl
def launchkit_runners() -> list[type[Runner]]:
    return [ImageRunner, LayingRunner]


PLUGIN = ModuleType("images")
vars(PLUGIN).update(launchkit_runners=launchkit_runners)


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[Client]:
    async with launchkit.connect(bench.url, plugins=Plugins(PLUGIN, entry_points=False)) as client:
        for kind in ("images", "laying"):
            await client.create_queue(kind, kind, {"exit_code": 0})
        yield client


@pytest.fixture
async def agent(bench: Bench, client: Client) -> AsyncIterator[Agent]:
    """An agent that builds nothing, and that the queue knows of."""
    settings = bench.settings(queues=["images", "laying"], name="idle-hands")
    settings = settings.model_copy(update={"builder": BuilderBlock(type="noop")})
    async with Agent(settings, plugins=Plugins(PLUGIN, entry_points=False)) as agent:
        with anyio.fail_after(PATIENCE):
            while not await client.agents():  # noqa: ASYNC110 - nothing tells us
                await anyio.sleep(0.01)
        yield agent


@pytest.fixture
async def recipe(client: Client, tmp_path: Path) -> Recipe:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "main.py").touch()
    found, _ = await client.recipe(uri=str(tmp_path / "code"))
    return replace(found, entry_point=("true",))


@pytest.mark.usefixtures("agent")
async def test_code_is_refused_with_the_agents_that_do_not_build(
    client: Client, recipe: Recipe
) -> None:
    with pytest.raises(Rejected, match=r"no agent of queue images builds any .*idle-hands"):
        await client.submit("images", LaunchSpec(recipe=recipe))
    assert await client.launches() == []


@pytest.mark.usefixtures("agent")
async def test_an_image_is_not(client: Client) -> None:
    run = await client.launch("images", image="img")
    assert (await run.wait()).state is ItemState.FINISHED


@pytest.mark.usefixtures("agent")
async def test_code_for_a_runner_that_lays_it_into_a_base_image_needs_one(
    client: Client, recipe: Recipe
) -> None:
    with pytest.raises(Rejected) as caught:
        await client.submit("laying", LaunchSpec(recipe=recipe))
    assert "name a base_image" in str(caught.value.hint)
    run = await client.submit("laying", LaunchSpec(recipe=replace(recipe, base_image="python:3")))
    assert (await run.wait()).state is ItemState.FINISHED


async def test_while_no_agent_is_there_nobody_can_tell(client: Client, recipe: Recipe) -> None:
    run = await client.submit("images", LaunchSpec(recipe=recipe))
    assert run.item.state is ItemState.QUEUED
