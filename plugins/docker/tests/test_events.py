"""One stream of events tells of all containers, also after it was cut."""

from collections.abc import AsyncIterator, Collection
from pathlib import Path

import anyio
import launchkit_docker.containers.informer
import pytest
from docker_engine import SOCKET, Engine
from launchkit_docker.containers.informer import container_informer
from launchkit_docker.containers.run import ContainerRun
from launchkit_docker.engine.client import open_client
from launchkit_docker.runner import ContainerRunner
from waiting import PATIENCE, until

from launchkit.abc import Run
from launchkit.errors import RunLost
from launchkit.model import RunState, RunStatus
from launchkit.testing import Relay, end_of, relay, site_at, started

from .workshop import Scripts

WAITS = "sleep 600"
GATE = "until [ -e /place/gate ]; do sleep 0.1; done; exit 3"


@pytest.fixture
async def way(docker_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Relay]:
    """Between the runner and the Engine."""
    async with relay(Path(SOCKET)) as way:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{way.host}")
        yield way


@pytest.fixture
async def runner(tmp_path: Path, way: Relay) -> AsyncIterator[ContainerRunner]:
    async with site_at(tmp_path) as site, started(ContainerRunner(), site) as runner:
        yield runner


def waiting(run: Run) -> Collection[str]:
    """The names of the containers for whose news somebody waits, this run's or another's."""
    assert isinstance(run, ContainerRun)
    return run._informer.news._by_topic.keys()


async def test_however_many_runs_wait_there_is_one_stream(
    runner: ContainerRunner, scripts: Scripts, way: Relay, tmp_path: Path
) -> None:
    ends: list[RunStatus] = []

    async def watch(run: Run) -> None:
        ends.append(await end_of(run))

    runs = [await runner.submit(scripts(GATE, volume=f"{tmp_path}:/place")) for _ in range(12)]
    async with anyio.create_task_group() as tasks:
        for run in runs:
            tasks.start_soon(watch, run)
        await until(lambda: len(waiting(runs[0])) == len(runs))
        (tmp_path / "gate").touch()
    assert {(end.state, end.exit_code) for end in ends} == {(RunState.FAILED, 3)}
    assert len(ends) == len(runs)
    assert way.count("/events") == 1


async def killed(run: Run, scripts: Scripts, way: Relay) -> None:
    """Somebody kills a run, and one who waits for it hears of that."""
    ends: list[RunStatus] = []

    async def watch() -> None:
        ends.append(await end_of(run))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        await until(lambda: way.count("/events") == 1 and run.ref in waiting(run))
        scripts.do(run.ref, "kill")
    assert [end.state for end in ends] == [RunState.FAILED]


async def test_a_run_that_ends_while_the_stream_is_cut_is_noticed(
    runner: ContainerRunner, scripts: Scripts, way: Relay
) -> None:
    run = await runner.submit(scripts(WAITS))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(end_of, run)
        await until(lambda: way.count("/events") == 1 and run.ref in waiting(run))
        way.shut("/events")
        scripts.do(run.ref, "kill")
    way.open()


async def test_an_end_of_which_no_event_tells_is_found_by_a_list(
    scripts: Scripts, way: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launchkit_docker.containers.informer, "RELIST_SECONDS", 0.5)
    way.swallow("/events")
    async with site_at(tmp_path) as site, started(ContainerRunner(), site) as runner:
        await killed(await runner.submit(scripts(WAITS)), scripts, way)
    assert way.count("/events") == 1


async def test_nobody_asks_again_and_again_for_a_run_that_goes_on(
    runner: ContainerRunner, scripts: Scripts, way: Relay, tmp_path: Path
) -> None:
    runs = [await runner.submit(scripts(GATE, volume=f"{tmp_path}:/place")) for _ in range(6)]
    other = await runner.submit(scripts(WAITS))
    async with anyio.create_task_group() as tasks:
        for run in (*runs, other):
            tasks.start_soon(end_of, run)
        await until(lambda: len(waiting(other)) > len(runs) and way.count("/containers/json") > 1)
        looks = way.count(f"{other.ref}/json")
        (tmp_path / "gate").touch()
        await until(lambda: {*waiting(other)} == {other.ref})
        # its own start may just be told
        assert way.count(f"{other.ref}/json") < looks + len(runs)
        scripts.do(other.ref, "kill")


async def test_an_engine_that_goes_away_is_waited_for_and_listened_to_again(
    runner: ContainerRunner, scripts: Scripts, way: Relay
) -> None:
    run = await runner.submit(scripts(WAITS))
    ends: list[RunStatus] = []

    async def watch() -> None:
        ends.append(await end_of(run))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        await until(lambda: way.count("/events") == 1 and run.ref in waiting(run))
        way.shut("/")
        await until(lambda: any("/events" in path for path in way.held))
        scripts.do(run.ref, "kill")
        way.open()
    assert [end.state for end in ends] == [RunState.FAILED]


async def test_one_who_waits_for_a_run_that_somebody_removes_is_told(
    runner: ContainerRunner, scripts: Scripts
) -> None:
    run = await runner.submit(scripts(WAITS))
    lost: list[RunLost] = []

    async def watch() -> None:
        with pytest.raises(RunLost) as caught:
            await end_of(run)
        lost.append(caught.value)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        await until(lambda: run.ref in waiting(run))
        scripts.remove()
    assert [error.code for error in lost] == ["run_lost"]


async def test_an_event_may_be_as_long_as_the_labels_of_its_container(
    runner: ContainerRunner, scripts: Scripts, way: Relay, tmp_path: Path
) -> None:
    (tmp_path / "labels").write_text(f"long={'x' * 900_000}\n")
    run = await runner.submit(scripts(WAITS, label_file=str(tmp_path / "labels")))
    await killed(run, scripts, way)
    assert way.count("/events") == 1


async def test_an_event_without_measure_is_passed_over_and_the_next_ones_are_heard(
    runner: ContainerRunner, scripts: Scripts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launchkit_docker.containers.informer, "LINE_BYTES", 100_000)
    (tmp_path / "labels").write_text(f"long={'x' * 900_000}\n")
    async with open_client() as engine:
        watch = container_informer(engine).watch
        assert watch
        async with watch() as changes:
            long = await runner.submit(scripts(WAITS, label_file=str(tmp_path / "labels")))
            short = await runner.submit(scripts(WAITS))
            heard = set[str]()
            with anyio.fail_after(PATIENCE):
                while short.ref not in heard:
                    heard.add((await anext(changes))[0])
    assert long.ref not in heard


async def test_an_end_whose_event_is_passed_over_is_found_by_a_list(
    scripts: Scripts, way: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launchkit_docker.containers.informer, "RELIST_SECONDS", 0.5)
    monkeypatch.setattr(launchkit_docker.containers.informer, "LINE_BYTES", 100_000)
    (tmp_path / "labels").write_text(f"long={'x' * 900_000}\n")
    async with site_at(tmp_path) as site, started(ContainerRunner(), site) as runner:
        run = await runner.submit(scripts(WAITS, label_file=str(tmp_path / "labels")))
        await killed(run, scripts, way)


@pytest.mark.parametrize("keeps", [True, False])
async def test_nothing_is_remembered_of_a_run_that_is_over(
    runner: ContainerRunner, scripts: Scripts, keeps: bool
) -> None:
    run = await runner.submit(scripts(WAITS, rm=not keeps))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(end_of, run)
        await until(lambda: run.ref in waiting(run))
        scripts.do(run.ref, "kill")
    await run.aclose()
    assert not waiting(run)


@pytest.mark.parametrize("rounds", range(4))
async def test_an_agent_may_end_at_any_moment_while_news_come(
    scripts: Scripts, tmp_path: Path, rounds: int
) -> None:
    async with site_at(tmp_path) as site, started(ContainerRunner(), site) as runner:
        run = await runner.submit(scripts("exit 0"))
        await end_of(run)
        scripts.remove()
        for _ in range(rounds):
            await anyio.lowlevel.checkpoint()
    assert scripts.inspect(run.ref) is None
