"""Runs that move or remove their own directory, or run a file in it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest
from local_process.runs import Make, is_alive, output_of, processes_of, site_at
from waiting import PATIENCE

from launchkit.abc import Run
from launchkit.builtin.local_process.reach import NoAnswer
from launchkit.builtin.local_process.rundir import RunDir
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.errors import RunLost
from launchkit.model import RunState, Submission
from launchkit.supervision.supervisor import TAG_BYTES
from launchkit.testing import until

WAYS = {
    "moved": "mv ../../$NAME ../../$NAME-away",
    "removed": "rm -rf ../../$NAME",
}
PROGRAM = """trap '' TERM
while [ ! -e ../../$NAME/code/seen ]; do sleep 0.01; done
cd ..
{way}
exec {env} sleep 300
"""
BUSY = """cd ..
cp "$(command -v sleep)" lock.new
mv lock.new lock
exec ./lock 300
"""


async def gone(
    runner: LocalProcessRunner, make: Make, way: str, env: str
) -> tuple[Run, Submission, int]:
    """A run that has done so, and the number of its supervisor."""
    script = PROGRAM.format(way=WAYS[way].replace("../../", "../"), env=env)
    submission = make("./run.sh", files={"run.sh": "#!/bin/sh\n" + script})
    submission.env["NAME"] = submission.name  # type: ignore[index]
    run = await runner.submit(submission)
    watcher = RunDir(Path(run.ref)).supervisor()
    assert watcher
    (Path(run.ref) / "code" / "seen").touch()
    await until(lambda: not Path(run.ref).exists())
    return run, submission, watcher


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="the system does not tell of it")
@pytest.mark.parametrize("env", ["", "env -i"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_run_without_its_directory_is_found_again_watched_and_can_be_stopped(
    runner: LocalProcessRunner, make: Make, place: Path, way: str, env: str
) -> None:
    run, submission, watcher = await gone(runner, make, way, env)
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks, AsyncExitStack() as stack:
            later = LocalProcessRunner()
            await later.start(stack, site_at(place, tasks))
            again = await later.attach(run.ref)
            with pytest.raises(NoAnswer):
                await again.status()
            await again.cancel(0.1)
            assert (await again.status()).state is RunState.STOPPED
            with pytest.raises(RunLost):
                await later.attach(run.ref)
            tasks.cancel_scope.cancel()
    assert not processes_of(submission)
    assert not is_alive(watcher)


async def test_a_run_without_its_directory_is_stopped_while_its_output_is_read(
    runner: LocalProcessRunner, make: Make
) -> None:
    run, submission, watcher = await gone(runner, make, "moved", "")
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:

            async def read() -> None:
                while True:
                    try:
                        await output_of(run)
                    except NoAnswer:
                        await anyio.sleep(0.001)
                    else:
                        return

            tasks.start_soon(read)
            await run.cancel(0.1)
        assert (await run.status()).state is RunState.STOPPED
    assert not processes_of(submission)
    assert not is_alive(watcher)


@pytest.fixture
def bystander(request: pytest.FixtureRequest) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that are ended after the test."""
    found: list[subprocess.Popen[bytes]] = []
    yield found
    for process in found:
        process.kill()
        process.communicate()


async def test_what_says_that_it_is_of_a_run_without_its_directory_is_not_ended_with_it(
    runner: LocalProcessRunner, make: Make, bystander: list[subprocess.Popen[bytes]]
) -> None:
    run, submission, _ = await gone(runner, make, "moved", "")
    tag = f"{submission.name}.{'0' * 2 * TAG_BYTES}"
    command = [sys.executable, "-c", "input()"]
    bystander.append(
        subprocess.Popen(command, stdin=subprocess.PIPE, env={"LAUNCHKIT_PROCESS_TAG": tag})
    )
    with anyio.fail_after(PATIENCE):
        await (await runner.attach(run.ref)).cancel(0.1)
    assert bystander[0].poll() is None


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="the system does not tell of it")
@pytest.mark.parametrize("is_found_again", [False, True])
async def test_a_run_that_runs_a_file_by_which_it_is_known_can_be_stopped(
    runner: LocalProcessRunner, make: Make, *, is_found_again: bool
) -> None:
    submission = make("./run.sh", files={"run.sh": "#!/bin/sh\n" + BUSY})
    run = await runner.submit(submission)
    await until(lambda: _runs_lock(submission))
    with anyio.fail_after(PATIENCE):
        if is_found_again:
            run = await runner.attach(run.ref)
        assert (await run.status()).state is RunState.RUNNING
        await run.cancel(0.1)
        assert (await run.status()).state.ended
    assert not processes_of(submission)


def _runs_lock(submission: Submission) -> bool:
    links = [Path(f"/proc/{pid}/exe") for pid in processes_of(submission)]
    return any(link.exists() and link.readlink().name == "lock" for link in links)
