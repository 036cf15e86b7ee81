"""Stopping runs, whatever state they are in and however they resist."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest
from local_process.runs import Make, is_alive, output_of, printed, processes_of
from waiting import PATIENCE

from launchkit.abc import Run
from launchkit.builtin.local_process.rundir import RunDir
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.errors import LaunchError
from launchkit.model import RunState, Submission
from launchkit.testing import end_of, until, until_running

COMET_SECONDS = 40.0
COMETS = f"""
import os, time
end = time.monotonic() + {COMET_SECONDS}
for _ in range(3):
    if os.fork() == 0:
        while time.monotonic() < end and os.fork() == 0:
            os.setsid()
        os._exit(0)
print("up", flush=True)
time.sleep({COMET_SECONDS})
"""


async def cancelled(run: Run, grace: float = PATIENCE) -> None:
    with anyio.fail_after(2 * PATIENCE):
        await run.cancel(grace)


def supervisor_of(run: Run) -> int:
    pid = RunDir(Path(run.ref)).supervisor()
    assert pid
    return pid


async def test_a_run_that_obeys_may_clean_up(runner: LocalProcessRunner, make: Make) -> None:
    run = await runner.submit(
        make("sh", "-c", "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.01; done")
    )
    await printed(run, b"up")
    await cancelled(run)
    status = await run.status()
    assert (status.state, status.exit_code) == (RunState.STOPPED, 3)
    assert status.verdict
    assert status.verdict.code == "stopped"
    assert (await output_of(run)).endswith(b"bye\n")


async def test_a_process_behind_a_shell_gets_its_grace_too(
    runner: LocalProcessRunner, make: Make
) -> None:
    child = "import signal,sys,time; signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.3),"
    child += "print('saved'), sys.exit())); print('up', flush=True); time.sleep(60)"
    run = await runner.submit(make("sh", "-c", f'python -c "{child}"; true'))
    await printed(run, b"up")
    await cancelled(run)
    assert await output_of(run) == b"up\nsaved\n"


@pytest.mark.parametrize(
    "command",
    [
        ("sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done"),
        ("sh", "-c", "(trap '' TERM; setsid sh -c 'sleep 300 & sleep 300') & echo up; wait"),
        ("sh", "-c", "setsid -f sh -c \"trap '' TERM; setsid sleep 300\"; echo up; exec sleep 300"),
        ("sh", "-c", "echo up; kill -STOP $$; sleep 300"),
    ],
    ids=["ignores SIGTERM", "leaves the group", "forks twice", "is stopped"],
)
async def test_a_run_that_resists_is_killed_with_all_it_started(
    runner: LocalProcessRunner, make: Make, command: Sequence[str]
) -> None:
    submission = make(*command)
    run = await runner.submit(submission)
    await printed(run, b"up")
    await cancelled(run, grace=0.2)
    assert processes_of(submission) == []
    assert (await run.status()).state is RunState.STOPPED


async def test_a_stopped_process_wakes_up_to_obey(runner: LocalProcessRunner, make: Make) -> None:
    run = await runner.submit(
        make("sh", "-c", "trap 'echo bye; exit 0' TERM; echo up; kill -STOP $$; sleep 300")
    )
    await printed(run, b"up")
    await cancelled(run)
    assert await output_of(run) == b"up\nbye\n"


async def test_a_supervisor_that_hangs_does_not_save_its_run(
    runner: LocalProcessRunner, make: Make
) -> None:
    submission = make("sleep", "300")
    run = await runner.submit(submission)
    await until_running(run)
    pid = supervisor_of(run)
    os.kill(pid, signal.SIGSTOP)
    await cancelled(run, grace=0.1)
    assert processes_of(submission) == []
    await until(lambda: not is_alive(pid))


async def test_cancelling_an_ended_run_changes_nothing(
    runner: LocalProcessRunner, make: Make
) -> None:
    run = await runner.submit(make("true"))
    ended = await end_of(run)
    await cancelled(run)
    assert await run.status() == ended
    assert not (Path(run.ref) / "cancelled").exists()


async def test_cancel_ends_setup(runner: LocalProcessRunner, make: Make) -> None:
    submission = make("echo", "ran", resource_args={"setup": "echo in setup; sleep 300"})
    run = await runner.submit(submission)
    await printed(run, b"\nin setup")
    assert (await run.status()).message == "setup"
    await cancelled(run)
    assert (await run.status()).state is RunState.STOPPED
    assert b"ran" not in await output_of(run)


async def test_cancel_ends_the_wait_for_the_setup_of_another(
    runner: LocalProcessRunner, make: Make
) -> None:
    def slow() -> Submission:
        return make("true", resource_args={"setup": "sleep 300"})

    first, second = await runner.submit(slow()), await runner.submit(slow())
    await printed(second, b"waiting for it")
    await cancelled(second)
    assert (await second.status()).state is RunState.STOPPED
    assert (await first.status()).message == "setup"


@pytest.mark.parametrize("nth", range(8))
async def test_cancel_right_after_submit_leaves_nothing(
    runner: LocalProcessRunner, make: Make, nth: int
) -> None:
    submission = make("sleep", "300")
    run = await runner.submit(submission)
    await anyio.sleep(nth / 1000)
    await cancelled(run)
    assert processes_of(submission) == []
    assert (await run.status()).state is RunState.STOPPED


async def test_two_cancel_at_once(runner: LocalProcessRunner, make: Make) -> None:
    run = await runner.submit(make("sh", "-c", "trap '' TERM; while :; do sleep 1; done"))
    await until_running(run)
    again = await runner.attach(run.ref)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(cancelled, run, 0.3)
        tasks.start_soon(cancelled, again, 0.1)
    assert await run.status() == await again.status()


async def test_what_forks_and_ends_without_a_pause_is_ended(
    runner: LocalProcessRunner, make: Make
) -> None:
    """Each process has ended before it is found; all end by themselves in the end."""
    run = await runner.submit(make(sys.executable, "-c", COMETS))
    await printed(run, b"up")
    began = anyio.current_time()
    await cancelled(run, grace=0.1)
    assert (await run.status()).state is RunState.STOPPED
    assert anyio.current_time() - began < COMET_SECONDS


async def test_that_something_does_not_end_is_told_and_tried_again(
    runner: LocalProcessRunner, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await runner.submit(make("sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done"))
    await printed(run, b"up")
    with monkeypatch.context() as impatient:
        impatient.setattr("launchkit.builtin.local_process.run.FORCE_SECONDS", -1.0)
        with pytest.raises(LaunchError, match="processes of the run go on"):
            await cancelled(run, grace=0.0)
    await cancelled(run)
    assert (await run.status()).state is RunState.STOPPED
