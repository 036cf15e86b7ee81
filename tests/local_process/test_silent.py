"""Runs whose directory does not answer, since a file system that never does is mounted there."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest
from local_process.runs import Make, is_alive, output_of, printed, processes_of, site_at
from silent_mount import silent
from waiting import PATIENCE

from launchkit.abc import Run
from launchkit.builtin.local_process import reach
from launchkit.builtin.local_process.reach import NoAnswer
from launchkit.builtin.local_process.rundir import RunDir
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.model import RunState, Submission
from launchkit.testing import end_of, until, until_running

TRAPPED = "trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory that does not answer at once does not answer."""
    monkeypatch.setattr(reach, "ANSWER_SECONDS", 0.5)


@pytest.fixture
async def hidden(
    runner: LocalProcessRunner, make: Make
) -> AsyncIterator[tuple[Run, Submission, int]]:
    """A run with such a directory, and the number of its supervisor."""
    submission = make("sh", "-c", TRAPPED)
    run = await runner.submit(submission)
    await printed(run, b"up")
    await until_running(run)
    watcher = RunDir(Path(run.ref)).supervisor()
    assert watcher
    with silent(Path(run.ref)) as mounted:
        if not mounted:
            pytest.skip("nothing may be mounted here")
        yield run, submission, watcher


async def test_a_run_whose_directory_does_not_answer_is_told_and_keeps_nothing_else_waiting(
    runner: LocalProcessRunner, make: Make, hidden: tuple[Run, Submission, int]
) -> None:
    run, *_ = hidden
    with anyio.fail_after(PATIENCE):
        for _ in range(reach.AT_ONCE + 2):
            with pytest.raises(NoAnswer, match="does not answer"):
                await run.status()
        with pytest.raises(NoAnswer):
            await output_of(run)
        other = await runner.submit(make("echo", "hi"))
        assert (await end_of(other)).state is RunState.FINISHED
        assert await output_of(other) == b"hi\n"


@pytest.mark.parametrize("is_found_again", [False, True])
async def test_a_run_whose_directory_does_not_answer_can_be_stopped(
    runner: LocalProcessRunner, hidden: tuple[Run, Submission, int], *, is_found_again: bool
) -> None:
    run, submission, watcher = hidden
    with anyio.fail_after(PATIENCE):
        if is_found_again:
            run = await runner.attach(run.ref)
        for _ in range(reach.AT_ONCE):
            with pytest.raises(NoAnswer):
                await run.status()
        await run.cancel(0.1)
        status = await run.status()
        assert status.state is RunState.STOPPED
        assert b"is lost" in await output_of(run)
        await run.aclose()
    assert not processes_of(submission)
    assert not is_alive(watcher)


async def test_what_is_left_of_it_keeps_no_agent_from_its_start_and_no_other_run_from_its_place(
    runner: LocalProcessRunner,
    make: Make,
    place: Path,
    hidden: tuple[Run, Submission, int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    old = place / "state" / "runs" / ".ended-old"
    old.mkdir()
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks, AsyncExitStack() as stack:
            later = LocalProcessRunner()
            await later.start(stack, site_at(place, tasks))
            await until(lambda: not old.exists())
            await until(lambda: "does not answer" in caplog.text)
            assert (await end_of(await later.submit(make("true")))).state is RunState.FINISHED
            tasks.cancel_scope.cancel()


async def test_a_run_that_moves_its_directory_away_can_be_stopped(
    runner: LocalProcessRunner, make: Make
) -> None:
    submission = make("sh", "-c", TRAPPED)
    run = await runner.submit(submission)
    await printed(run, b"up")
    await until_running(run)
    Path(run.ref).rename(run.ref + "-away")
    with pytest.raises(NoAnswer):
        await run.status()
    with anyio.fail_after(PATIENCE):
        await run.cancel(0.1)
    assert (await run.status()).state is RunState.STOPPED
    assert not processes_of(submission)
