"""A plugin that is installed and broken is in the way of nothing but itself."""

import asyncio
from collections.abc import Callable, Iterator

import anyio
import pytest
from agent import broken
from agent.conftest import Bench, running
from waiting import PATIENCE, until

from launchkit import Agent, LaunchHandle
from launchkit.abc import Finding
from launchkit.agent.checkup import checkup
from launchkit.aio.retry import Backoff
from launchkit.errors import PluginError
from launchkit.model import ItemState
from launchkit.plugins import Plugins
from launchkit.settings import Block

EXITS = pytest.mark.parametrize("more", [set(), {"exit"}], ids=["raises", "exits"])
PARTS = ["builder", "works_here", "fetcher", "fetcher start", "runner", "runner start"]


@pytest.fixture(autouse=True)
def _no_faults() -> Iterator[None]:
    broken.faults.clear()
    yield
    broken.faults.clear()
    broken.odd_findings.clear()


@EXITS
@pytest.mark.parametrize("fault", [*PARTS, "fetcher end", "runner end", "launchkit_event"])
async def test_an_agent_that_does_not_use_it_works(
    bench: Bench, fault: str, more: set[str]
) -> None:
    broken.faults.update({fault}, more)
    run = await bench.launch("print(1)")
    async with bench.agent(broken):
        assert await bench.ended(run) == [ItemState.FINISHED]


@EXITS
@pytest.mark.parametrize("fault", PARTS)
async def test_doctor_tells_of_it_and_of_all_else(bench: Bench, fault: str, more: set[str]) -> None:
    broken.faults.update({fault}, more)
    plugins = Plugins(broken, entry_points=False)
    findings = await checkup(bench.settings(), plugins)
    subjects = {finding.subject for finding in findings}
    assert {"queue backend", "queue q", "processes", "fetcher archive", "git"} <= subjects
    if fault not in {"builder", "works_here"}:
        kind = fault.partition(" ")[0]
        [finding] = [one for one in findings if one.subject == f"{kind} broken"]
        assert finding.level != "ok"
        assert f"a bug in {fault}" in finding.message


@pytest.mark.parametrize("fault", ["builder", "works_here"])
async def test_a_builder_that_cannot_tell_is_left_out_and_told(
    bench: Bench, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING", "launchkit.agent")
    broken.faults.add(fault)
    async with bench.agent(broken):
        pass
    assert "is left out" in caplog.text


@EXITS
@pytest.mark.parametrize("hook", ["launchkit_check", "launchkit_env"])
async def test_a_hook_that_fails_is_named_by_its_plugin(
    bench: Bench, hook: str, more: set[str]
) -> None:
    broken.faults.update({hook}, more)
    run = await bench.launch("print(1)")
    async with bench.agent(broken):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.verdict
    assert "broken" in run.item.verdict.summary
    assert hook in run.item.verdict.summary
    assert "LAUNCHKIT_BLOCK_PLUGINS" in str(run.item.verdict.hint)


@EXITS
@pytest.mark.parametrize("fault", ["check_args", "objections", "submit"])
async def test_what_fails_in_a_launch_fails_that_launch_alone(
    bench: Bench, fault: str, more: set[str]
) -> None:
    await bench.client.create_queue("broken", "broken")
    await bench.client.create_queue("other", "local-process")
    run = await bench.launch("print(1)", queue="broken")
    other = await bench.launch("print(2)", queue="other")
    broken.faults.update({fault}, more)
    async with bench.agent(broken, queues=["broken", "other"]):
        assert await bench.ended(run, other) == [ItemState.FAILED, ItemState.FINISHED]
    assert run.item.verdict
    assert fault in run.item.verdict.summary
    assert "plugin agent.broken" in run.item.verdict.summary


@pytest.mark.parametrize(
    ("fault", "said"),
    [("submits nothing", "submit of plugin agent.broken"), ("names nothing", "ref_of of plugin")],
)
async def test_what_a_runner_hands_back_wrongly_is_told_as_its_fault(
    bench: Bench, fault: str, said: str
) -> None:
    await bench.client.create_queue("broken", "broken")
    broken.faults.add(fault)
    async with bench.agent(broken, queues=["broken"]):
        run = await bench.launch("print(1)", queue="broken")
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.verdict
    assert said in run.item.verdict.summary


async def test_a_run_that_says_nothing_is_looked_at_again(bench: Bench) -> None:
    await bench.client.create_queue("broken", "broken")
    broken.faults.add("sees nothing")
    async with bench.agent(broken, queues=["broken"]):
        run = await bench.launch("print(1)", queue="broken")
        await told(run, "it gives NoneType, not RunStatus")
        broken.faults.clear()
        assert await bench.ended(run) == [ItemState.FINISHED]


@pytest.mark.parametrize(
    "odd",
    [
        None,
        7,
        Finding(level="error", subject=None, message="m"),  # type: ignore[arg-type]
        Finding(level="error", subject="s", message=7),  # type: ignore[arg-type]
        Finding(level="odd", subject="s", message="m"),  # type: ignore[arg-type]
        Finding(level="error", subject="s", message="m", hint=7),  # type: ignore[arg-type]
    ],
)
async def test_findings_that_are_none_hide_no_others(bench: Bench, odd: object) -> None:
    await bench.client.create_queue("broken", "broken")
    plugins = Plugins(broken, entry_points=False)
    broken.odd_findings.append(odd)
    findings = await checkup(bench.settings(queues=["broken"]), plugins)
    subjects = {one.subject for one in findings if "findings" in one.message}
    assert "runner broken" in subjects
    assert "queue broken" in {one.subject for one in findings}


async def test_what_is_said_wrongly_of_a_config_hides_nothing(bench: Bench) -> None:
    await bench.client.create_queue("broken", "broken")
    broken.faults.add("odd config")
    findings = await checkup(bench.settings(queues=["broken"]), Plugins(broken, entry_points=False))
    [told] = [one for one in findings if one.subject == "config of queue broken"]
    assert "NoneType" in told.message


@EXITS
async def test_a_component_that_the_agent_cannot_do_without_is_named(
    bench: Bench, more: set[str]
) -> None:
    broken.faults.update({"environment start"}, more)
    settings = bench.settings().model_copy(update={"environment": Block(type="broken")})
    problem = "environment broken of plugin agent.broken .* cannot be started: .*a bug"
    with pytest.raises(PluginError, match=problem):
        await Agent(settings, plugins=Plugins(broken, entry_points=False)).run()


@EXITS
@pytest.mark.parametrize("fault", ["status", "logs", "aclose"])
async def test_a_run_that_cannot_be_watched_now_is_watched_when_it_can_be(
    bench: Bench, fault: str, more: set[str]
) -> None:
    await bench.client.create_queue("broken", "broken")
    broken.faults.update({fault}, more)
    async with bench.agent(broken, queues=["broken"]):
        run = await bench.launch("print(1)", queue="broken")
        if fault != "aclose":
            await told(run, f"a bug in {fault}")
        broken.faults.clear()
        assert await bench.ended(run) == [ItemState.FINISHED]


@EXITS
async def test_a_runner_that_fails_in_the_background_is_started_anew_and_its_runs_found_again(
    bench: Bench, more: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    await bench.client.create_queue("broken", "broken")
    await bench.client.create_queue("other", "local-process")
    broken.faults.add("goes on")
    queues = ["broken", "other"]
    async with bench.agent(broken, queues=queues, max_jobs=2, lease_seconds=0.5):
        run = await bench.launch("print(1)", queue="broken")
        await running(run)
        broken.faults.update({"background"}, more)
        await until(lambda: "in the background failed" in caplog.text)
        other = await bench.launch("print(2)", queue="other")
        assert await bench.ended(other) == [ItemState.FINISHED]
        broken.faults.clear()
        assert await bench.ended(run) == [ItemState.FINISHED]
    assert run.item.attempt == 1
    assert broken.submitted[str(run.item.ref)] == 1


@pytest.mark.parametrize(
    "fault", ["submit", "status", "logs", "aclose", "background", "runner start", "runner end"]
)
async def test_a_cancellation_that_nobody_asked_for_is_a_fault_like_any_other(
    bench: Bench, fault: str
) -> None:
    await bench.client.create_queue("broken", "broken")
    await bench.client.create_queue("other", "local-process")
    broken.faults.update({fault, "cancelled"})
    queues = ["broken", "other"]
    async with bench.agent(broken, queues=queues, max_jobs=2, lease_seconds=0.5):
        run = await bench.launch("print(1)", queue="broken")
        if fault not in {"aclose", "runner end"}:
            await told(run, f"a bug in {fault}")
        other = await bench.launch("print(2)", queue="other")
        assert await bench.ended(other) == [ItemState.FINISHED]
        if fault != "runner end":
            broken.faults.clear()
        ends = [ItemState.FAILED if fault == "submit" else ItemState.FINISHED]
        assert await bench.ended(run) == ends


async def test_an_agent_whose_tasks_are_cancelled_by_a_plugin_says_so(bench: Bench) -> None:
    broken.faults.add("ends all")
    settings = bench.settings().model_copy(update={"environment": Block(type="broken")})
    with pytest.raises(PluginError, match="ended although nobody wanted it to"):
        await Agent(settings, plugins=Plugins(broken, entry_points=False)).run()


async def test_who_cancels_the_task_of_an_agent_natively_hears_of_that(bench: Bench) -> None:
    broken.faults.add("leaves late")

    def cancel() -> None:
        task.cancel()

    task = asyncio.get_running_loop().create_task(agent_in_place(bench, cancel).run())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_native_time_limit_of_an_agent_ends_as_one(bench: Bench) -> None:
    broken.faults.add("leaves late")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as limit:
            await agent_in_place(bench, lambda: limit.reschedule(0)).run()


@EXITS
async def test_what_the_agent_needs_and_fails_in_the_background_is_told_and_begun_again(
    bench: Bench, more: set[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit.agent.kept_tasks.BACKOFF", Backoff(first=0.01, cap=0.01))
    broken.begun.clear()
    run = await bench.launch("print(1)")
    settings = bench.settings().model_copy(update={"environment": Block(type="broken")})
    async with Agent(settings, plugins=Plugins(broken, entry_points=False)) as agent:
        broken.faults.update({"environment background"}, more)
        await until(lambda: broken.begun["environment"] > 3)
        assert await bench.ended(run) == [ItemState.FINISHED]
        told = "a look at the place, in the background"
        assert f"{told}, fails: " in agent.status
        assert "a bug in environment background" in agent.status
        warnings = [one for one in caplog.records if told in one.getMessage()]
        assert [one.levelname for one in warnings].count("WARNING") == 1
        monkeypatch.setattr("launchkit.agent.kept_tasks.STEADY_SECONDS", 0.0)
        broken.faults.clear()
        await until(lambda: "in the background" not in agent.status)


async def test_doctor_tells_of_what_fails_in_the_background(bench: Bench) -> None:
    broken.faults.add("background")
    findings = await checkup(bench.settings(), Plugins(broken, entry_points=False))
    texts = [one.message for one in findings if one.subject == "runner broken"]
    assert any("a bug in background" in text for text in texts)
    assert "queue q" in {one.subject for one in findings}


def agent_in_place(bench: Bench, when_it_works: Callable[[], object]) -> Agent:
    """One that cannot do without the broken environment."""
    settings = bench.settings().model_copy(update={"environment": Block(type="broken")})
    plugins = Plugins(broken, entry_points=False)
    return Agent(settings, plugins=plugins, on_status=lambda _: when_it_works())


async def told(run: LaunchHandle, text: str) -> None:
    with anyio.fail_after(PATIENCE):
        async for event in run.changes():
            if text in str(event.cause):
                return
