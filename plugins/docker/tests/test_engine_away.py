"""Launches whose Engine goes away under them, and comes back."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
from anyio.to_thread import run_sync
from own_engine import OwnEngine, own_engine
from waiting import PATIENCE, until

import launchkit
from launchkit import LaunchHandle
from launchkit.model import ItemState

from .test_journeys import Stage, text

LINES = 200
SCRIPT = f"""
echo started >> /place/starts
trap 'echo told; exit 3' TERM
n=0; while [ $n -lt {LINES} ]; do echo line $n; n=$((n+1)); done
while [ ! -e /place/gate ]; do sleep 0.02; done
echo last
: > /place/done
"""
WHOLE = [f"line {n}" for n in range(LINES)]
KEPT = "--live-restore"
WAITS = "no Docker Engine answers on the agent's machine; waits for it"
TOLD = "trap 'exit 9' TERM; echo waiting; sleep 3 & wait"
STEP = f'RUN ["/bin/busybox", "sh", "-c", "{TOLD}"]\n'


@dataclass
class Place:
    """A queue whose containers run at an Engine of their own."""

    stage: Stage
    engine: OwnEngine
    image: str
    folder: Path

    async def launch(self, *command: str, **more: object) -> LaunchHandle:
        entry = command or ("sh", "-c", SCRIPT)
        client = self.stage.client
        return await client.launch("q", image=self.image, entry_point=entry, **more)  # type: ignore[arg-type]

    async def ended_alone(self) -> LaunchHandle:
        """A run that ends well while no Engine looks."""
        run = await self.launch()
        async with self.stage.agent(builder={"type": "noop"}):
            await self.printed(run, WHOLE[-1])
            await run_sync(self.engine.stop)
            self.open()
            await until((self.folder / "done").exists)
            await run_sync(self.engine.start)
            await self.stage.ended(run)
        return run

    @property
    def starts(self) -> int:
        return len((self.folder / "starts").read_text().splitlines())

    def open(self) -> None:
        (self.folder / "gate").touch()

    async def printed(self, run: LaunchHandle, line: str) -> None:
        with anyio.fail_after(PATIENCE):
            async for got in run.logs(follow=True):
                if got.partition(" ")[2] == line or got == line:  # BuildKit puts "#2 " before it
                    return
        raise AssertionError(await text(run))


@pytest.fixture
def flags(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return getattr(request, "param", ())


@pytest.fixture
def apart(request: pytest.FixtureRequest) -> bool:
    """Whether the Engine's containerd stays when it goes."""
    return getattr(request, "param", False)


@pytest.fixture
async def place(
    tmp_path: Path, flags: tuple[str, ...], apart: bool, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    folder = tmp_path / "place"
    folder.mkdir()
    url = f"sqlite:///{tmp_path}/launchkit.db"
    with own_engine(*flags, apart=apart) as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.url)
        image = engine.shell(tmp_path)  # which goes with the Engine, also while that is away
        async with launchkit.connect(url) as client:
            await client.create_queue("q", "local-container", {"volume": f"{folder}:/place"})
            yield Place(Stage(client, url, tmp_path, engine), engine, image, folder)


Go = Callable[[OwnEngine], None]
with_restore = pytest.mark.parametrize("flags", [(KEPT,)], indirect=True, ids=["restore"])


@with_restore
@pytest.mark.parametrize("go", [OwnEngine.stop, OwnEngine.kill])
async def test_a_run_that_is_restored_goes_on_as_if_nothing_had_happened(
    place: Place, go: Go
) -> None:
    run = await place.launch()
    async with place.stage.agent(builder={"type": "noop"}):
        await place.printed(run, WHOLE[-1])
        await run_sync(go, place.engine)
        await run_sync(place.engine.start)
        place.open()
        assert await place.stage.ended(run) == [ItemState.FINISHED]
    assert (await text(run)).splitlines() == [*WHOLE, "last"]
    assert place.starts == 1
    assert place.stage.containers(run) == []


@with_restore
@pytest.mark.parametrize("apart", [True], indirect=True, ids=["containerd stays"])
async def test_a_run_that_ends_while_its_engine_is_away_has_its_own_end(place: Place) -> None:
    run = await place.ended_alone()
    assert run.item.state is ItemState.FINISHED, run.item.verdict
    assert (await text(run)).splitlines()[:LINES] == WHOLE  # Docker itself may lose the last line
    assert place.starts == 1
    assert place.stage.containers(run) == []


@with_restore
async def test_a_run_that_ends_while_its_containerd_is_away_too_has_its_own_end_or_is_lost(
    place: Place,
) -> None:
    run = await place.ended_alone()
    if run.item.state is not ItemState.FINISHED:  # containerd since 1.7 forgets such an end
        assert run.item.verdict
        assert run.item.verdict.code == "run_lost"
    assert (await text(run)).splitlines()[:LINES] == WHOLE  # Docker itself may lose the last line
    assert place.starts == 1
    assert place.stage.containers(run) == []


@pytest.mark.parametrize("go", [OwnEngine.stop, OwnEngine.kill])
async def test_a_run_that_ends_with_its_engine_is_not_started_again_and_says_how_it_ended(
    place: Place, go: Go
) -> None:
    run = await place.launch()
    async with place.stage.agent(builder={"type": "noop"}):
        await place.printed(run, WHOLE[-1])
        await run_sync(go, place.engine)
        await run_sync(place.engine.start)
        assert await place.stage.ended(run) == [ItemState.FAILED]
    assert run.item.verdict
    assert (run.item.verdict.code, run.item.exit_code) == ("user_exit", 3)
    assert (await text(run)).splitlines() == [*WHOLE, "told"]
    assert (place.starts, run.item.attempt) == (1, 1)
    assert place.stage.containers(run) == []


async def test_a_launch_waits_for_an_engine_that_is_away(place: Place) -> None:
    await run_sync(place.engine.stop)
    run = await place.launch("sh", "-c", "echo started >> /place/starts")
    async with place.stage.agent(builder={"type": "noop"}):
        await place.printed(run, WAITS)
        await run_sync(place.engine.start)
        assert await place.stage.ended(run) == [ItemState.FINISHED]
    assert place.starts == 1


async def test_a_launch_that_waits_for_an_engine_is_stopped_without_it(place: Place) -> None:
    await run_sync(place.engine.stop)
    run = await place.launch()
    async with place.stage.agent(builder={"type": "noop"}):
        await place.printed(run, WAITS)
        await run.stop("test")
        assert await place.stage.ended(run) == [ItemState.STOPPED]
    await run_sync(place.engine.start)
    assert place.stage.containers(run) == []


@with_restore
async def test_a_run_is_not_said_to_be_stopped_before_its_engine_is_back_and_it_is(
    place: Place,
) -> None:
    run = await place.launch()
    async with place.stage.agent(builder={"type": "noop"}):
        await place.printed(run, WHOLE[-1])
        await run_sync(place.engine.stop)
        await run.stop("test")
        with pytest.raises(TimeoutError):
            await run.wait(timeout=2)
        await run_sync(place.engine.start)
        assert await place.stage.ended(run) == [ItemState.STOPPED]
    assert (await text(run)).splitlines() == [*WHOLE, "told"]
    assert place.stage.containers(run) == []


@pytest.mark.parametrize("flags", [(), (KEPT,)], indirect=True, ids=["plain", "restore"])
async def test_a_run_whose_end_nobody_saw_is_lost_and_no_fault_of_its_program(
    place: Place,
) -> None:
    run = await place.launch()
    async with place.stage.agent(builder={"type": "noop"}):
        await place.printed(run, WHOLE[-1])
        await run_sync(place.engine.cut_power)
        await run_sync(place.engine.start)
        assert await place.stage.ended(run) == [ItemState.FAILED]
    verdict = run.item.verdict
    assert verdict
    assert (verdict.code, "not known" in verdict.summary) == ("run_lost", True)
    assert verdict.evidence[-1] == WHOLE[-1]


@pytest.mark.parametrize("go", [OwnEngine.stop, OwnEngine.kill])
async def test_a_build_that_an_engine_leaves_is_made_again_when_it_is_back(
    place: Place, go: Go, tmp_path: Path
) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "Dockerfile.launchkit").write_text(f"FROM {place.image}\nCOPY . /code/\n{STEP}")
    run = await place.stage.client.launch("q", uri=str(code), entry_point=["/bin/busybox", "true"])
    async with place.stage.agent(builder={"type": "docker"}):
        await place.printed(run, "waiting")
        await run_sync(go, place.engine)
        await run_sync(place.engine.start)
        states = await place.stage.ended(run)
    assert states == [ItemState.FINISHED], await text(run)
    assert (await text(run)).count("building image") == 2
    dangling = {"filters": '{"dangling": ["true"]}'}
    assert place.engine.http.get("/images/json", params=dangling).json() == []
    assert place.stage.containers(run) == []
