"""The fakes keep to the contracts too, and go wrong when they are told to."""

from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from depots import FakeDepot
from workloads import Fakes
from workshops import FakeWorkshop

from launchkit.errors import RunLost, SubmitError, Unreachable
from launchkit.model import BuildRequest, RunState, Verdict
from launchkit.testing import (
    BuilderContract,
    FakeBuilder,
    FakeImages,
    FakeRegistry,
    FakeRunner,
    Hang,
    LostAnswer,
    RecordingOutput,
    RegistryContract,
    RunnerContract,
    Slow,
    Throttle,
    Twice,
    make_launch,
    make_submission,
)


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


class TestFakeRunner(RunnerContract):
    @pytest.fixture
    def runner(self) -> FakeRunner:
        return FakeRunner()

    @pytest.fixture
    def workload(self, runner: FakeRunner) -> Fakes:
        return Fakes(runner.compute)


class TestFakeBuilder(BuilderContract):
    @pytest.fixture
    def builder(self) -> FakeBuilder:
        return FakeBuilder()

    @pytest.fixture
    def workshop(self, builder: FakeBuilder) -> FakeWorkshop:
        return FakeWorkshop(builder.images)


class TestFakeRegistry(RegistryContract):
    @pytest.fixture
    def registry(self) -> FakeRegistry:
        return FakeRegistry()

    @pytest.fixture
    def depot(self, registry: FakeRegistry) -> FakeDepot:
        return FakeDepot(registry)


async def test_what_is_throttled_is_not_done_and_passes_when_tried_often_enough(
    runner: FakeRunner,
) -> None:
    runner.compute.faults.add(Throttle("submit", times=2))
    submission = make_submission()
    for _ in range(2):
        with pytest.raises(Unreachable, match="too many requests"):
            await runner.submit(submission)
    assert runner.compute.processes == {}
    await runner.submit(submission)
    assert runner.compute.faults.calls == ["submit"] * 3


async def test_a_lost_answer_hides_what_was_done(runner: FakeRunner) -> None:
    runner.compute.faults.add(LostAnswer("submit", error=SubmitError("no answer")))
    submission = make_submission()
    with pytest.raises(SubmitError, match="no answer"):
        await runner.submit(submission)
    assert runner.compute.starts == {submission.name: 1}


async def test_a_create_that_is_done_twice_starts_once(runner: FakeRunner) -> None:
    runner.compute.faults.add(Twice("submit"))
    submission = make_submission()
    run = await runner.submit(submission)
    assert runner.compute.starts == {submission.name: 1}
    assert (await run.status()).state is RunState.RUNNING


async def test_a_call_that_hangs_ends_when_the_caller_gives_up(runner: FakeRunner) -> None:
    run = await runner.submit(make_submission())
    runner.compute.faults.add(Hang("list"))
    with anyio.move_on_after(0.01) as scope:
        await run.status()
    assert scope.cancelled_caught
    assert (await run.status()).state is RunState.RUNNING


async def test_a_slow_list_gives_what_is_so_when_it_ends(runner: FakeRunner) -> None:
    run = await runner.submit(make_submission())
    runner.compute.faults.add(Slow("list", seconds=0.01))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run.changed, runner.compute.find(run.ref).status)
        await anyio.wait_all_tasks_blocked()
        runner.compute.find(run.ref).end(3)
    assert (await run.status()).exit_code == 3


async def test_faults_happen_in_the_order_in_which_they_were_added(runner: FakeRunner) -> None:
    runner.compute.faults.add(Throttle("submit"), LostAnswer("submit"), Hang("cancel"))
    submission = make_submission()
    with pytest.raises(Unreachable, match="too many requests"):
        await runner.submit(submission)
    with pytest.raises(Unreachable, match="connection reset"):
        await runner.submit(submission)
    assert await runner.submit(submission)


async def test_a_test_can_let_a_run_print_and_end_in_any_way(runner: FakeRunner) -> None:
    run = await runner.submit(make_submission())
    process = runner.compute.find(run.ref)
    process.print("step 1\n")
    process.finish(RunState.PREEMPTED, "preempted", "The node went away.")
    status = await run.status()
    verdict = Verdict(code="preempted", summary="The node went away.")
    assert (status.state, status.verdict) == (RunState.PREEMPTED, verdict)
    assert [chunk.data async for chunk in run.logs(5)] == [b"1\n"]


async def test_runs_outlive_their_runner_but_not_their_compute(runner: FakeRunner) -> None:
    run = await runner.submit(make_submission())
    again = await FakeRunner(compute=runner.compute).attach(run.ref)
    assert (await again.status()).state is RunState.RUNNING
    with pytest.raises(RunLost):
        await FakeRunner().attach(run.ref)


async def test_an_image_that_was_built_is_in_a_registry_of_the_same_images(tmp_path: Path) -> None:
    (tmp_path / "train.py").touch()
    images = FakeImages()
    registry = FakeRegistry(images=images)
    request = BuildRequest(launch=make_launch(), code=tmp_path, destination=registry.name)
    images.faults.add(Throttle("build"))
    with pytest.raises(Unreachable):
        await FakeBuilder(images=images).build(request, RecordingOutput())
    other = replace(request, platform="linux/arm64")
    image = await FakeBuilder(images=images).build(other, RecordingOutput())
    assert await registry.exists(image.ref)
    assert await registry.digest(image.ref) == image.digest
    assert await registry.digest(f"{registry.name}:other") is None
