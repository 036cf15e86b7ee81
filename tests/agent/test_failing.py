"""One failing launch never hurts another, and each failure is explained."""

import shutil
import signal
import sys
import threading
from pathlib import Path

import anyio
import pytest
from agent import stage
from agent.conftest import Bench, running, text, until
from waiting import PATIENCE

from launchkit import Agent
from launchkit.agent.prepare import clear_work
from launchkit.agent.presence import hold_presence, reap_dead_agents
from launchkit.errors import Conflict, PluginError, Rejected, Unreachable
from launchkit.model import ItemState
from launchkit.plugins import Plugins


async def test_a_bug_in_a_plugin_fails_its_launch_and_no_other(bench: Bench) -> None:
    await bench.client.create_queue("stage", "stage", {"raise": "submit"})
    bad, good = await bench.launch("", queue="stage"), await bench.launch("print(1)")
    async with bench.agent(stage, queues=["stage", "q"]):
        assert await bench.ended(bad, good) == [ItemState.FAILED, ItemState.FINISHED]
    assert bad.item.verdict
    assert bad.item.verdict.code == "internal_error"
    assert "a bug in the plugin" in "".join(bad.item.verdict.evidence)


async def test_a_preempted_run_goes_back_to_its_queue_as_the_next_attempt(bench: Bench) -> None:
    await bench.client.create_queue("stage", "stage", {"preempt": 2})
    run = await bench.launch("", queue="stage")
    agent = Agent(
        bench.settings(queues=["stage"]),
        plugins=Plugins(stage, entry_points=False),
        exit_when_idle=True,
    )
    await agent.run()
    assert await bench.ended(run) == [ItemState.FINISHED]
    assert run.item.attempt == 3


async def test_a_run_that_is_preempted_too_often_fails(bench: Bench) -> None:
    await bench.client.create_queue("stage", "stage", {"preempt": 99})
    run = await bench.launch("", queue="stage")
    async with bench.agent(stage, queues=["stage"]):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert (run.item.attempt, run.item.verdict and run.item.verdict.code) == (6, "preempted")


async def test_a_run_that_cannot_outlive_its_agent_goes_back_to_its_queue(bench: Bench) -> None:
    await bench.client.create_queue("stage", "stage", {"state": "running"})
    run = await bench.launch("", queue="stage")
    async with bench.agent(stage, queues=["stage"], drain_timeout=0):
        await running(run)
    item = (await run.view()).item
    assert (item.state, item.attempt) == (ItemState.QUEUED, 2)


async def test_a_plugin_may_object_and_add_variables(bench: Bench) -> None:
    no = await bench.launch("print(1)", name="forbidden")
    yes = await bench.launch("import os; print(os.environ['FROM_PLUGIN'])")
    async with bench.agent(stage):
        assert await bench.ended(no, yes) == [ItemState.FAILED, ItemState.FINISHED]
    assert no.item.verdict
    assert (no.item.verdict.code, no.item.verdict.summary) == ("rejected", "this name is forbidden")
    assert await text(yes) == "q"


async def test_a_source_that_is_down_fails_its_launch_with_advice(bench: Bench) -> None:
    from launchkit.model import GitSource, LaunchSpec, Recipe

    gone = GitSource(remote=f"file://{bench.folder}/gone.git", ref="main", commit="a" * 40)
    run = await bench.client.submit("q", LaunchSpec(recipe=Recipe(source=gone, entry_point=("a",))))
    async with bench.agent():
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.verdict
    assert run.item.verdict.code == "fetch_failed"
    assert "gone.git" in run.item.verdict.summary


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (["./missing.sh"], "entry_point_not_found"),
        (["./train.py"], "entry_point_not_executable"),
    ],
)
async def test_an_entry_point_that_cannot_start_is_named(
    bench: Bench, entry: list[str], code: str
) -> None:
    folder = bench.folder / "code"
    folder.mkdir()
    (folder / "train.py").write_text("print(1)")
    run = await bench.client.launch("q", uri=str(folder), entry_point=entry)
    async with bench.agent():
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.verdict
    assert run.item.verdict.code == code


async def test_what_the_runner_cannot_run_is_refused_at_launch(bench: Bench) -> None:
    with pytest.raises(Rejected, match="cannot run the image busybox"):
        await bench.client.launch("q", image="busybox")
    with pytest.raises(Rejected, match="no entry point"):
        await bench.client.launch("q", uri=str(Path(__file__).parent))


async def test_work_goes_on_while_the_queue_cannot_be_reached(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    gate = bench.folder / "gate"
    wait = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)\nprint(9)"
    database = Path(bench.url.removeprefix("sqlite:///"))
    run = await bench.launch(wait)
    async with bench.agent(lease_seconds=0.6):
        await running(run)
        away = database.with_suffix(".away")
        database.rename(away)
        gate.touch()
        with anyio.fail_after(PATIENCE):
            while "was deleted while in use" not in caplog.text:  # noqa: ASYNC110
                await anyio.sleep(0.02)
        away.rename(database)
        assert await bench.ended(run) == [ItemState.FINISHED]
    assert await text(run) == "9"


async def test_a_missing_component_is_named_at_start(bench: Bench, moon: None) -> None:
    with pytest.raises(PluginError, match="environment 'moon' is not installed") as error:
        async with bench.agent(environment={"type": "moon"}):
            pass
    assert "launchkit-moon" in str(error.value.hint)


def own_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if "launchkit" in thread.name}


async def test_an_agent_in_a_program_leaves_nothing_behind(bench: Bench) -> None:
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    threads = own_threads()
    run = await bench.launch("print(1)")
    async with anyio.create_task_group() as tasks:
        agent = bench.agent()
        await tasks.start(agent.run)
        await bench.ended(run)
        agent.stop()
    assert {number: signal.getsignal(number) for number in signals} == signals
    await until(lambda: own_threads() <= threads)  # of those, some may have ended
    assert not list((bench.folder / "state" / "agents").iterdir())


async def test_a_name_belongs_to_one_living_agent(tmp_path: Path) -> None:
    async with hold_presence(tmp_path, "gpu-1"):
        with pytest.raises(Conflict, match="'gpu-1' runs on this machine already"):
            async with hold_presence(tmp_path, "gpu-1"):
                pass
        assert await reaped(tmp_path) == []


async def reaped(folder: Path) -> list[str]:
    names: list[str] = []

    async def note(name: str) -> None:
        names.append(name)

    await reap_dead_agents(folder, note)
    return names


async def test_an_agent_that_died_is_buried_once(tmp_path: Path) -> None:
    (tmp_path / "gpu-1.lock").touch()
    async with hold_presence(tmp_path, "gpu-2"):
        assert await reaped(tmp_path) == ["gpu-1"]
        assert await reaped(tmp_path) == []


async def test_an_agent_that_died_is_found_again_until_the_queue_was_told(tmp_path: Path) -> None:
    async def fail(name: str) -> None:
        raise Unreachable(name)

    (tmp_path / "gpu-1.lock").touch()
    with pytest.raises(Unreachable):
        await reap_dead_agents(tmp_path, fail)
    assert await reaped(tmp_path) == ["gpu-1"]


async def test_an_agent_that_is_started_anew_waits_for_who_tells_of_its_death(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit.agent.presence.TRIES", 1)
    began, over = anyio.Event(), anyio.Event()
    told = False

    async def tell(name: str) -> None:
        nonlocal told
        began.set()
        await over.wait()
        told = True

    (tmp_path / "gpu-1.lock").touch()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reap_dead_agents, tmp_path, tell)
        await began.wait()
        with anyio.move_on_after(0.2):
            async with hold_presence(tmp_path, "gpu-1"):
                pytest.fail("it did not wait")
        over.set()
        async with hold_presence(tmp_path, "gpu-1"):
            assert told
            with pytest.raises(Conflict):
                async with hold_presence(tmp_path, "gpu-1"):
                    pass


async def test_what_a_dead_agent_left_half_prepared_is_removed_however_deep(tmp_path: Path) -> None:
    for name in ("gpu-1.abc", "gpu-1.def", "gpu-2.abc"):
        (tmp_path / "work" / name).mkdir(parents=True)
    nest = "import os\nfor _ in range(1500): os.mkdir('deep'); os.chdir('deep')"
    await anyio.run_process([sys.executable, "-c", nest], cwd=tmp_path / "work" / "gpu-1.abc")
    clear_work(tmp_path, "gpu-1")
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["gpu-2.abc"]


async def test_an_agent_that_was_killed_and_comes_again_removes_what_it_left_half_prepared(
    bench: Bench,
) -> None:
    work = bench.folder / "state" / "work"
    for name in ("gpu-1.abc", "gpu-1.b.abc"):
        (work / name / "code").mkdir(parents=True)
    run = await bench.launch("print(1)")
    async with bench.agent(name="gpu-1"):
        assert await bench.ended(run) == [ItemState.FINISHED]
    assert [path.name for path in work.iterdir()] == ["gpu-1.b.abc"]  # another's


async def test_a_state_directory_that_vanishes_fails_launches_not_the_agent(bench: Bench) -> None:
    run = await bench.launch("print(1)")
    async with bench.agent():
        await bench.ended(run)
        runs = bench.folder / "state" / "runs"
        await until(lambda: [path.name for path in runs.iterdir()] == [".over"])
        shutil.rmtree(runs)
        runs.write_text("in the way")
        second = await bench.launch("print(1)")
        assert await bench.ended(second) == [ItemState.FAILED]
    assert second.item.verdict
    assert second.item.verdict.code == "submit_failed"
