"""Runs on whose own files something is mounted, which never answers or gives errors alone."""

import errno
import os
from pathlib import Path

import anyio
import pytest
from local_process.runs import Make, is_alive, output_of, printed, processes_of
from silent_mount import silent
from waiting import PATIENCE

from launchkit.abc import Run
from launchkit.builtin.local_process.reach import Reach
from launchkit.builtin.local_process.rundir import RunDir
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.model import RunState, Submission
from launchkit.supervision.unmounted import TELLS
from launchkit.testing import end_of, until_running

PROGRAM = "trap 'exit 0' TERM; echo up; while [ ! -e \"$GO\" ]; do sleep 0.01; done"
NAMES = ["output.log", "lock", "tag", "spec", "child", "exit.tmp", "cancelled.tmp", "started"]
ERRORS = [0, errno.EIO, errno.ENOTCONN]


@pytest.fixture
def go(tmp_path: Path) -> Path:
    """The program of a run ends when this is there."""
    return tmp_path / "go"


async def begun(runner: LocalProcessRunner, make: Make, go: Path) -> tuple[Run, Submission, int]:
    submission = make("sh", "-c", PROGRAM, env={"GO": str(go)})
    run = await runner.submit(submission)
    await printed(run, b"up")
    await until_running(run)
    watcher = RunDir(Path(run.ref)).supervisor()
    assert watcher
    return run, submission, watcher


def require(mounted: bool) -> None:
    if not mounted or not TELLS:
        pytest.skip("nothing may be mounted here, or the kernel does not tell of it")


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("name", NAMES)
async def test_a_run_on_whose_file_something_is_mounted_ends(
    runner: LocalProcessRunner, make: Make, go: Path, name: str, error: int
) -> None:
    run, submission, watcher = await begun(runner, make, go)
    with silent(Path(run.ref) / name, error=error) as mounted, anyio.fail_after(PATIENCE):
        require(mounted)
        assert (await run.status()).state is RunState.RUNNING
        go.touch()
        assert (await end_of(run)).state.ended
        await output_of(run)
        await run.aclose()
    assert not processes_of(submission)
    assert not is_alive(watcher)


@pytest.mark.parametrize(
    ("name", "error"),
    [(name, error) for name in [*NAMES, "."] for error in ERRORS if error or name != "."],
)
async def test_a_run_on_whose_file_something_is_mounted_can_be_stopped(
    runner: LocalProcessRunner, make: Make, go: Path, name: str, error: int
) -> None:
    run, submission, watcher = await begun(runner, make, go)
    with silent(Path(run.ref) / name, error=error) as mounted, anyio.fail_after(PATIENCE):
        require(mounted)
        await run.cancel(0.1)
        assert (await run.status()).state.ended
    assert not processes_of(submission)
    assert not is_alive(watcher)


async def test_what_is_mounted_on_the_code_of_a_run_is_left_and_keeps_nothing_waiting(
    runner: LocalProcessRunner, make: Make, go: Path
) -> None:
    run, *_ = await begun(runner, make, go)
    with silent(Path(run.ref) / "code") as mounted, anyio.fail_after(PATIENCE):
        require(mounted)
        go.touch()
        assert (await end_of(run)).state is RunState.FINISHED
        await run.aclose()
        assert (Path(run.ref).parent / ".over" / Path(run.ref).name).exists()
        for left in Path(run.ref).parent.glob(".ended-*"):
            assert [path.name for path in left.iterdir()] == ["code"]


async def test_who_is_told_to_end_leaves_what_is_being_removed_to_itself(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with anyio.fail_after(PATIENCE), anyio.move_on_after(0.01) as scope:
        await Reach(tmp_path).at_leisure(pipe.read_bytes)
    assert scope.cancelled_caught
    os.close(os.open(pipe, os.O_RDWR))  # lets it go
