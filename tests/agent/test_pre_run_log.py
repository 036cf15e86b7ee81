"""What is said before a run starts stands before its own output, also across agents."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType

import anyio
import pytest
from agent.conftest import Bench, running, text

from launchkit import Agent
from launchkit.abc import Builder, Output, Runner
from launchkit.agent.kit import builder_block
from launchkit.hookspecs import hookimpl
from launchkit.model import BuildRequest, Image, ItemState, Submission
from launchkit.plugins import Plugins
from launchkit.settings import Block, BuilderBlock
from launchkit.testing import FakeCompute, FakeRunner

COMPUTE = FakeCompute()
BUILT = "it is built\n"
FETCHED = "its image is here\n"
SLOW = "the build is emulated, and slow"


@dataclass(kw_only=True)
class TalkingRunner(FakeRunner):
    kind = "talking"
    compute: FakeCompute = field(default_factory=lambda: COMPUTE, repr=False)

    async def prepare(self, submission: Submission, out: Output) -> None:
        await out.say(FETCHED.strip() + submission.env.get("SAID", ""))


@dataclass(kw_only=True)
class TalkingBuilder(Builder):
    kind = "talking"

    async def works_here(self) -> bool:
        return True

    async def build(self, request: BuildRequest, out: Output) -> Image:
        await out(BUILT.encode())
        return Image(ref="built", warnings=(SLOW,))


class PushingBuilder(TalkingBuilder):
    kind = "pushing"
    needs_registry = True


@hookimpl
def launchkit_runners() -> list[type[Runner]]:
    return [TalkingRunner]


@hookimpl
def launchkit_builders() -> list[type[Builder]]:
    return [TalkingBuilder]


@pytest.fixture
def plugin() -> Iterator[ModuleType]:
    module = ModuleType("talking")
    vars(module).update(launchkit_runners=launchkit_runners, launchkit_builders=launchkit_builders)
    yield module
    COMPUTE.processes.clear()


def agent_of(bench: Bench, plugin: ModuleType, **more: object) -> Agent:
    plugins = Plugins(plugin, entry_points=False)
    return Agent(bench.settings(queues=["talking"], **more), plugins=plugins)


async def test_what_is_said_on_the_way_comes_before_the_output(
    bench: Bench, plugin: ModuleType
) -> None:
    config = {"output": "its own output\n", "exit_code": 0}
    await bench.client.create_queue("talking", "talking", config)
    run = await bench.launch("", queue="talking")
    async with agent_of(bench, plugin):
        assert await bench.ended(run) == [ItemState.FINISHED]
    assert await text(run) == (BUILT + FETCHED + "its own output")


async def test_what_the_builder_warns_of_stands_in_the_timeline(
    bench: Bench, plugin: ModuleType
) -> None:
    await bench.client.create_queue("talking", "talking", {"output": "", "exit_code": 0})
    run = await bench.launch("", queue="talking")
    async with agent_of(bench, plugin):
        assert await bench.ended(run) == [ItemState.FINISHED]
    assert [event.cause for event in await run.events() if event.kind == "warning"] == [SLOW]


async def test_what_is_going_on_stands_in_the_timeline_too(
    bench: Bench, plugin: ModuleType
) -> None:
    await bench.client.create_queue("talking", "talking", {"output": "", "exit_code": 0})
    run = await bench.client.launch("talking", image="img")
    async with agent_of(bench, plugin):
        assert await bench.ended(run) == [ItemState.FINISHED]
    causes = [(event.kind, event.state, event.cause) for event in await run.events()]
    assert causes[1:4] == [
        ("state", ItemState.CLAIMED, "claimed"),
        ("progress", None, FETCHED.strip()),
        ("state", ItemState.SUBMITTING, None),
    ]


async def test_what_is_said_on_the_way_shows_no_secret_of_the_queue(
    bench: Bench, plugin: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUSH", "GPU-5ecret-uuid-0001")
    config = {"output": "for ${HUSH}", "exit_code": 0}
    await bench.client.create_queue("talking", "talking", config)
    run = await bench.client.launch("talking", image="img", env={"SAID": " GPU-5ecret-uuid-0001"})
    async with agent_of(bench, plugin, policy={"macros_from_env": ["HUSH"]}):
        assert await bench.ended(run) == [ItemState.FINISHED]
    assert await text(run) == FETCHED.strip() + " …\nfor GPU-5ecret-uuid-0001"
    assert FETCHED.strip() + " …" in [event.cause for event in await run.events()]


async def test_the_next_agent_goes_on_where_the_output_stopped(
    bench: Bench, plugin: ModuleType
) -> None:
    await bench.client.create_queue("talking", "talking", {"output": "first\n"})
    run = await bench.client.launch("talking", image="img")
    async with anyio.create_task_group() as tasks:
        first = agent_of(bench, plugin)
        tasks.start_soon(first.run)
        await running(run)
        first.abort()
    (process,) = COMPUTE.processes.values()
    process.print("second\n")
    process.end()
    async with agent_of(bench, plugin):
        assert await bench.ended(run) == [ItemState.FINISHED]
    assert await text(run) == FETCHED + "first\nsecond"
    assert list(COMPUTE.starts.values())[-1] == 1


@pytest.mark.parametrize(
    ("builder", "registry", "kind"),
    [
        (None, None, "noop"),
        (None, Block(type="oci"), "pushing"),
        (BuilderBlock(type="auto"), None, "noop"),
        (BuilderBlock(type="auto", destination="r.example.com/i"), None, "pushing"),
    ],
)
async def test_a_builder_that_keeps_no_images_is_chosen_where_there_is_a_place_for_them(
    bench: Bench, builder: BuilderBlock | None, registry: Block | None, kind: str
) -> None:
    @hookimpl
    def launchkit_builders() -> list[type[Builder]]:
        return [PushingBuilder]

    pushing = ModuleType("pushing")
    pushing.__dict__["launchkit_builders"] = launchkit_builders
    update = {"builder": builder, "registry": registry}
    settings = bench.settings().model_copy(update=update)
    block = await builder_block(settings, Plugins(pushing, entry_points=False))
    assert block.type == kind
    assert block.destination == (builder.destination if builder else None)


async def test_a_builder_that_was_chosen_wins_over_one_that_works_here(
    bench: Bench, plugin: ModuleType
) -> None:
    await bench.client.create_queue("talking", "talking", {"exit_code": 0})
    run = await bench.launch("", queue="talking")
    plugins = Plugins(plugin, entry_points=False)
    settings = bench.settings(queues=["talking"])
    chosen = settings.model_copy(update={"builder": BuilderBlock(type="noop")})
    async with Agent(chosen, plugins=plugins):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.verdict
    assert run.item.verdict.code == "rejected"
    assert "builder.type is noop" in run.item.verdict.summary
