"""A runner that cannot be configured or started keeps its own launches waiting, and no others."""

import math
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from types import ModuleType

import anyio
import pytest
from agent.conftest import Bench, running, until
from waiting import PATIENCE

import launchkit
from launchkit import Agent, Client, LaunchHandle
from launchkit.abc import Runner, Site
from launchkit.agent import runners
from launchkit.errors import SubmitError
from launchkit.hookspecs import hookimpl
from launchkit.model import ItemState, QueueItem
from launchkit.plugins import Plugins
from launchkit.testing import FakeCompute, FakeRunner


@dataclass(kw_only=True)
class NeedyRunner(FakeRunner):
    """One that works only with a setting."""

    kind = "needy"
    aliases = ("wanting",)
    project: str


@dataclass
class Cloud:
    """What `CloudRunner` depends on, as the test wants it."""

    compute: FakeCompute = field(default_factory=FakeCompute)
    error: Exception | None = None
    starts: int = 0
    ended: int = 0
    gate: anyio.Event | None = None


CLOUD = Cloud()


@dataclass(kw_only=True)
class CloudRunner(FakeRunner):
    kind = "cloud"
    compute: FakeCompute = field(default_factory=lambda: CLOUD.compute, repr=False)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        CLOUD.starts += 1
        # Whoever enters a task group must leave it in the same task.
        await stack.enter_async_context(anyio.create_task_group())
        stack.callback(self._end)
        if CLOUD.gate is not None:
            await CLOUD.gate.wait()
        if CLOUD.error is not None:
            raise CLOUD.error

    @staticmethod
    def _end() -> None:
        CLOUD.ended += 1


@hookimpl
def launchkit_runners() -> list[type[Runner]]:
    return [NeedyRunner, CloudRunner]


PLUGIN = ModuleType("clouds")
vars(PLUGIN).update(launchkit_runners=launchkit_runners)


@pytest.fixture(autouse=True)
def cloud() -> Cloud:
    vars(CLOUD).update(vars(Cloud()))
    return CLOUD


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[Client]:
    async with launchkit.connect(bench.url, plugins=Plugins(PLUGIN, entry_points=False)) as client:
        await client.create_queue("needy", "wanting", {"exit_code": 0})
        await client.create_queue("cloud", "cloud")
        yield client


@asynccontextmanager
async def agent_for(bench: Bench, *queues: str, **more: object) -> AsyncIterator[Agent]:
    async with bench.agent(PLUGIN, queues=list(queues), max_jobs=-1, **more) as agent:
        yield agent


async def put_back(run: LaunchHandle) -> str:
    """The message with which a launch was put back into its queue."""
    with anyio.fail_after(PATIENCE):
        while not (item := (await run.view()).item).message:  # noqa: ASYNC110
            await anyio.sleep(0.01)
    assert (item.state, item.attempt, item.ref) == (ItemState.QUEUED, 1, None)
    return str(item.message)


async def test_an_installed_runner_without_its_setting_stops_nobody(
    bench: Bench, client: Client
) -> None:
    waits = await client.launch("needy", image="img")
    good = await bench.launch("print(1)")
    async with agent_for(bench, "q", "needy") as agent:
        assert await bench.ended(good) == [ItemState.FINISHED]
        why = "queue needy waits: runner needy: runners.needy.project: this key is required"
        await until(lambda: why in agent.status)
        assert (await waits.view()).item.state is ItemState.QUEUED


async def test_it_works_with_the_setting_under_any_of_its_names(
    bench: Bench, client: Client
) -> None:
    run = await client.launch("needy", image="img")
    async with agent_for(bench, "needy", runners={"wanting": {"project": "p"}}):
        assert await bench.ended(run) == [ItemState.FINISHED]


async def test_settings_under_two_names_are_refused(bench: Bench, client: Client) -> None:
    runners = {"wanting": {"project": "p"}, "needy": {"project": "p"}}
    async with agent_for(bench, "needy", runners=runners) as agent:
        await until(lambda: "runners.wanting: needy is another word for it" in agent.status)


async def test_a_launch_waits_while_its_runner_cannot_start_and_goes_on_when_it_can(
    bench: Bench, client: Client, cloud: Cloud
) -> None:
    cloud.error = ZeroDivisionError("no credentials")
    run = await client.launch("cloud", image="img", resource_args={"exit_code": 0})
    good = await bench.launch("print(1)")
    async with agent_for(bench, "q", "cloud") as agent:
        message = await put_back(run)
        assert f"agent {agent.name} cannot start runner cloud: ZeroDivisionError" in message
        await until(lambda: "queue cloud waits: runner cloud: ZeroDivisionError" in agent.status)
        assert await bench.ended(good) == [ItemState.FINISHED]
        cloud.error = None
        assert await bench.ended(run) == [ItemState.FINISHED]
        assert run.item.attempt == 1
    assert cloud.ended == cloud.starts


async def test_another_reason_why_it_cannot_start_is_told_too(
    bench: Bench, client: Client, cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING", "launchkit.agent")
    cloud.error = OSError("no network")
    await client.launch("cloud", image="img")
    async with agent_for(bench, "cloud"):
        await until(lambda: "runner cloud: no network" in caplog.text)
        cloud.error = OSError("the disk is full")
        await until(lambda: "runner cloud: the disk is full" in caplog.text)


async def test_that_a_runner_cannot_start_is_told_once(
    bench: Bench, client: Client, cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.error = OSError("no route to the cloud")
    await client.launch("cloud", image="img")
    async with agent_for(bench, "cloud"):
        await until(lambda: cloud.starts > 3)
    assert caplog.text.count("no route to the cloud; nothing is claimed for it") == 1


async def test_why_a_runner_cannot_start_is_told_to_the_queue_however_much_that_is(
    bench: Bench, client: Client, cloud: Cloud
) -> None:
    cloud.error = OSError("no route \ud800 to the cloud " * 10_000)
    run = await client.launch("cloud", image="img")
    async with agent_for(bench, "cloud"):
        with anyio.fail_after(PATIENCE):
            while "no route" not in str((await run.view()).reason):  # noqa: ASYNC110
                await anyio.sleep(0.01)


async def test_a_start_that_refuses_a_launch_fails_it_and_no_other(
    bench: Bench, client: Client, cloud: Cloud
) -> None:
    cloud.error = SubmitError("this account is closed", hint="open it")
    first = await client.launch("cloud", image="img", resource_args={"exit_code": 0})
    async with agent_for(bench, "cloud"):
        assert await bench.ended(first) == [ItemState.FAILED]
        cloud.error = None
        second = await client.launch("cloud", image="img", resource_args={"exit_code": 0})
        assert await bench.ended(second) == [ItemState.FINISHED]
    assert first.item.verdict
    assert (first.item.verdict.code, first.item.verdict.hint) == ("submit_failed", "open it")


async def test_many_claims_wait_for_one_start(bench: Bench, client: Client, cloud: Cloud) -> None:
    cloud.gate = anyio.Event()
    args = {"exit_code": 0}
    runs = [await client.launch("cloud", image="img", resource_args=args) for _ in range(5)]
    async with agent_for(bench, "cloud"):
        for run in runs:
            await run.wait_until(ItemState.CLAIMED, timeout=PATIENCE)
        cloud.gate.set()
        assert {*await bench.ended(*runs)} == {ItemState.FINISHED}
    assert (cloud.starts, cloud.ended) == (1, 1)


async def test_a_runner_that_no_launch_needs_is_not_started(
    bench: Bench, client: Client, cloud: Cloud
) -> None:
    good = await bench.launch("print(1)")
    async with agent_for(bench, "q", "cloud"):
        assert await bench.ended(good) == [ItemState.FINISHED]
    assert cloud.starts == 0


@asynccontextmanager
async def abandoned(bench: Bench, client: Client) -> AsyncIterator[LaunchHandle]:
    """A run that goes on without the agent that started it."""
    run = await client.launch("cloud", image="img")
    async with agent_for(bench, "cloud") as agent:
        await running(run)
        agent.abort()
    yield run


async def until_told(run: LaunchHandle, text: str) -> QueueItem:
    """Wait for a message on a launch."""
    with anyio.fail_after(PATIENCE):
        while text not in str((item := (await run.view()).item).message):  # noqa: ASYNC110
            await anyio.sleep(0.01)
    return item


@pytest.mark.parametrize("error", [ZeroDivisionError("no login"), SubmitError("no account")])
async def test_a_run_is_kept_for_whoever_can_find_it_while_its_runner_cannot_start(
    bench: Bench, client: Client, cloud: Cloud, error: Exception
) -> None:
    async with abandoned(bench, client) as run:
        before = (await run.view()).item
        cloud.error = error
        async with agent_for(bench, "cloud", lease_seconds=0.5):
            item = await until_told(run, str(error))
            assert (item.state, item.ref, item.attempt) == (ItemState.RUNNING, before.ref, 1)
            cloud.error = None
            (process,) = cloud.compute.processes.values()
            process.end()
            assert await bench.ended(run) == [ItemState.FINISHED]
    assert [*cloud.compute.starts.values()] == [1]


async def test_a_stop_while_the_runner_starts_ends_the_run_that_goes_on(
    bench: Bench, client: Client, cloud: Cloud
) -> None:
    async with abandoned(bench, client) as run:
        cloud.gate = anyio.Event()
        async with agent_for(bench, "cloud", lease_seconds=0.5) as agent:
            await until(lambda: cloud.starts == 2)
            await run.stop()
            await until(
                lambda: all(
                    journey._interruption.wanted.cancel_called
                    for journey in agent._under_way.journeys.values()
                )
            )
            cloud.gate.set()
            (process,) = cloud.compute.processes.values()
            assert await bench.ended(run) == [ItemState.STOPPED]
    assert process.status.state.ended


async def test_an_agent_that_ends_while_the_runner_starts_leaves_the_run_alone(
    bench: Bench, client: Client, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners, "START_SECONDS", math.inf)
    async with abandoned(bench, client) as run:
        before = (await run.view()).item
        cloud.gate = anyio.Event()
        async with agent_for(bench, "cloud") as agent:
            await until(lambda: cloud.starts == 2)
            agent.abort()
        item = (await run.view()).item
        assert (item.state, item.ref, item.attempt) == (ItemState.RUNNING, before.ref, 1)
        cloud.gate = None
        async with agent_for(bench, "cloud"):
            await run.stop()
            assert await bench.ended(run) == [ItemState.STOPPED]
    assert [*cloud.compute.starts.values()] == [1]
