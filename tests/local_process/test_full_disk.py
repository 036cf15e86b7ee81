"""Disks that are full, or too broken to note what is done."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest
from local_process.runs import Make, output_of, printed, processes_of, site_at
from mounts import SmallDisk
from waiting import PATIENCE

from launchkit.abc import Run
from launchkit.builtin.local_process.holes import NOTE
from launchkit.builtin.local_process.run import ProcessRun
from launchkit.builtin.local_process.rundir import RunDir
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.errors import LaunchError, SubmitError
from launchkit.model import RunState, RunStatus, Submission
from launchkit.testing import end_of, until, until_running

OBEYS = "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.01; done"
RESISTS = "trap '' TERM; echo up; while :; do sleep 0.01; done"


@pytest.fixture
async def runner_on_disk(small_disk: SmallDisk) -> AsyncIterator[LocalProcessRunner]:
    async with anyio.create_task_group() as tasks, AsyncExitStack() as stack:
        runner = LocalProcessRunner()
        await runner.start(stack, site_at(small_disk.path, tasks))
        yield runner
        tasks.cancel_scope.cancel()


async def tried(runner: LocalProcessRunner, submission: Submission) -> Run | SubmitError:
    try:
        return await runner.submit(submission)
    except SubmitError as exc:
        return exc


async def started(run: Run) -> RunStatus:
    """The first status that is not the one of a run that starts."""
    with anyio.fail_after(PATIENCE):
        status = await run.status()
        while status.state is RunState.STARTING:
            status = await run.changed(status)
        return status


async def stopped(run: Run, grace: float = PATIENCE) -> RunStatus:
    with anyio.fail_after(2 * PATIENCE):
        await run.cancel(grace)
        return await run.status()


@pytest.mark.parametrize("free", range(9))
async def test_with_any_room_a_run_is_refused_or_it_runs_and_can_be_stopped(
    runner_on_disk: LocalProcessRunner, small_disk: SmallDisk, make: Make, free: int
) -> None:
    submission = make("sleep", "40", files={"a": "content"})
    small_disk.fill(free)
    run = await tried(runner_on_disk, submission)
    small_disk.fill()
    if isinstance(run, SubmitError):
        assert "No space left" in run.message
        assert "is the disk full" in (run.hint or "")
    else:
        assert (await started(run)).state is RunState.RUNNING
        assert len(processes_of(submission)) == 1
        assert (await stopped(run)).state is RunState.STOPPED
    assert processes_of(submission) == []


@pytest.mark.parametrize(("script", "code"), [("true", 0), ("exit 3", 3), ("kill -SEGV $$", 139)])
async def test_on_a_full_disk_the_true_end_is_told(
    runner_on_disk: LocalProcessRunner, small_disk: SmallDisk, make: Make, script: str, code: int
) -> None:
    wait = "until [ -e go ]; do sleep 0.01; done"
    run = await runner_on_disk.submit(make("sh", "-c", f"echo up; {wait}; {script}"))
    await printed(run, b"up")
    small_disk.fill()
    (Path(run.ref) / "code" / "go").touch()
    assert (await end_of(run)).exit_code == code
    await run.aclose()
    assert not Path(run.ref).exists()


PRINTS = (
    "import os, time\nn = 0\n"
    """
def reached(path):
    while not os.path.exists(path): time.sleep(0.01)
while not os.path.exists("full"):
    os.write(1, b"before\\n" * (n == 0)); n += 1; time.sleep(0.01)
try:
    while True: os.write(1, b"x" * 512)
except OSError:
    os.mkdir(os.environ["SWALLOWED"])
reached("go")
try:
    os.write(1, b"after\\n")
except OSError:
    pass
"""
)


@pytest.mark.parametrize("room", [True, False])
async def test_what_a_full_disk_may_have_swallowed_is_told_in_the_log(
    runner_on_disk: LocalProcessRunner,
    small_disk: SmallDisk,
    make: Make,
    tmp_path: Path,
    room: bool,
) -> None:
    swallowed, said = tmp_path / "swallowed", bytearray()
    command = [sys.executable, "-u", "-c", PRINTS]
    run = await runner_on_disk.submit(make(*command, env={"SWALLOWED": str(swallowed)}))
    assert isinstance(run, ProcessRun)

    async def follow() -> None:
        async for chunk in run.logs(0):
            assert chunk.offset == len(said)
            said.extend(chunk.data)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow)
        await printed(run, b"before")
        small_disk.fill()
        (Path(run.ref) / "code" / "full").touch()
        await until(lambda: swallowed.exists() and run.holes.full)
        if room:
            small_disk.free()
            await until(lambda: NOTE.encode() in said)
            small_disk.fill()
            await until(lambda: run.holes.full)
            small_disk.free()
            await until(lambda: not run.holes.full)
        (Path(run.ref) / "code" / "go").touch()
    before, _, after = bytes(said).partition(NOTE.encode())
    assert before.startswith(b"before\n")
    assert before.endswith(b"\n")
    assert after == (b"after\n" if room else b"")


@pytest.mark.parametrize("again", [False, True])
async def test_on_a_full_disk_a_stop_is_polite_and_known_to_the_next_agent(
    runner_on_disk: LocalProcessRunner, small_disk: SmallDisk, make: Make, again: bool
) -> None:
    submission = make("sh", "-c", OBEYS)
    run = await runner_on_disk.submit(submission)
    await printed(run, b"up")
    small_disk.fill()
    if again:
        RunDir(Path(run.ref)).mark_cancelled(0)
    status = await stopped(run)
    assert (status.state, status.exit_code) == (RunState.STOPPED, 3)
    assert await (await runner_on_disk.attach(run.ref)).status() == status


@pytest.mark.parametrize(("script", "grace"), [(OBEYS, PATIENCE), (RESISTS, 0.3)])
async def test_a_stop_that_cannot_be_noted_ends_the_run_all_the_same(
    runner_on_disk: LocalProcessRunner, small_disk: SmallDisk, make: Make, script: str, grace: float
) -> None:
    submission = make("sh", "-c", script)
    run = await runner_on_disk.submit(submission)
    await printed(run, b"up")
    (Path(run.ref) / "cancelled.tmp").unlink()
    small_disk.fill()
    assert (await stopped(run, grace)).state is RunState.STOPPED
    assert processes_of(submission) == []


async def test_when_a_stop_cannot_be_noted_nothing_follows_the_setup(
    runner_on_disk: LocalProcessRunner, small_disk: SmallDisk, make: Make
) -> None:
    setup = "trap 'exit 0' TERM; echo in setup; while :; do sleep 0.01; done"
    submission = make("echo", "ran", resource_args={"setup": setup})
    run = await runner_on_disk.submit(submission)
    await printed(run, b"\nin setup")
    (Path(run.ref) / "cancelled.tmp").unlink()
    small_disk.fill()
    assert (await stopped(run)).state is RunState.STOPPED
    assert b"ran" not in (await output_of(run)).splitlines()


WRITE = """
import resource, sys
from launchkit.supervision.supervisor import overwrite
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
overwrite(sys.argv[1], b"code 0")
"""


def test_what_is_written_in_part_counts_as_not_written(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITE, str(tmp_path / "exit.tmp")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert (tmp_path / "exit.tmp").stat().st_size == 100


async def test_a_run_whose_process_number_was_lost_is_ended_all_the_same(
    runner: LocalProcessRunner, make: Make
) -> None:
    submission = make("sleep", "300")
    run = await runner.submit(submission)
    await until_running(run)
    (Path(run.ref) / "child").write_text("")
    assert (await stopped(run)).state is RunState.STOPPED
    assert processes_of(submission) == []


async def test_a_program_that_cannot_be_recorded_is_ended_and_that_is_told(
    runner: LocalProcessRunner, make: Make, place: Path
) -> None:
    submission = make("sh", "-c", "trap '' TERM; setsid sleep 300 & sleep 300")
    (place / "state" / "runs" / submission.name / "child").mkdir(parents=True)
    status = await end_of(await runner.submit(submission))
    assert processes_of(submission) == []
    assert status.verdict
    assert status.verdict.code == "submit_failed"
    assert "was ended at its start" in status.verdict.summary
    assert "Is a directory" in status.verdict.summary


async def test_an_end_is_believed_only_when_nothing_of_the_run_lives(
    runner: LocalProcessRunner, make: Make
) -> None:
    submission = make("sh", "-c", "setsid sleep 300 & sleep 300")
    run = await runner.submit(submission)
    await until_running(run)
    watcher = RunDir(Path(run.ref)).supervisor()
    assert watcher
    os.kill(watcher, signal.SIGKILL)
    await until(lambda: RunDir(Path(run.ref)).supervisor() is None)
    (Path(run.ref) / "exit").write_text("stage supervisor\nerrno 28\n")
    status = await end_of(run)
    assert processes_of(submission) == []
    assert status.verdict
    assert "No space left on device" in status.verdict.summary


async def test_what_keeps_a_run_from_being_ended_is_an_error_to_be_tried_again(
    runner: LocalProcessRunner, make: Make
) -> None:
    submission = make("sleep", "300")
    run = await runner.submit(submission)
    await until_running(run)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        with pytest.raises(LaunchError, match="cannot be ended"):
            await run.cancel(5)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert (await stopped(run)).state is RunState.STOPPED
    assert processes_of(submission) == []
