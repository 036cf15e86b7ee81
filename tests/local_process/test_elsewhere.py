"""Processes of other users and containers that say that they are of a run, and runs that move into
namespaces of their own.
"""

import os
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen, run

import anyio
import pytest
from local_process.runs import Make, command_line, processes_of
from waiting import PATIENCE

from launchkit.abc import Run
from launchkit.builtin.local_process.rundir import RunDir
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.model import Submission
from launchkit.supervision.processes import TAG
from launchkit.testing import end_of, until

LEAVES = "{enter} setsid sleep 300 & while [ ! -e go ]; do sleep 0.01; done"
NAMESPACES = {"mounts": ["--mount"], "processes": ["--pid", "--fork"], "users": ["--user"]}
NOBODY = 65534
USERS = {"another user": (NOBODY,) * 3, "another user by a setuid program": (NOBODY, 0, 0)}
"""The real, effective and saved user of a process of theirs."""
AS_USER = (
    "import os, sys; os.setresuid(*map(int, sys.argv[1:4])); os.execvp(sys.argv[4], sys.argv[4:])"
)


def entering(where: str) -> list[str]:
    """The words before a command that has namespaces of its own, as a container has."""
    as_root = ["--user", "--map-root-user"] if os.geteuid() else []
    words = ["unshare", *as_root, *NAMESPACES[where]]
    if not shutil.which("unshare") or run([*words, "true"], check=False).returncode:
        pytest.skip("nothing may have namespaces of its own here")
    return words


@contextmanager
def stranger(where: str, tag: str) -> Iterator[Popen[bytes]]:
    """A process that is none of the run's, and says its tag."""
    command = ["env", f"{TAG}={tag}", "sleep", "300"]
    if where in USERS:
        if os.geteuid():
            pytest.skip("root alone may be another user")
        started = Popen([sys.executable, "-c", AS_USER, *map(str, USERS[where]), *command])
    else:
        started = Popen([*entering(where), *command])
    with started:
        try:
            yield started
        finally:
            started.kill()


def sleepers(submission: Submission) -> int:
    """How many processes sleep for long, and have the run's tag."""
    return [*map(command_line, processes_of(submission))].count("sleep 300 ")


async def ends(run: Run) -> None:
    (Path(run.ref) / "code" / "go").touch()


async def is_stopped(run: Run) -> None:
    await run.cancel(0.1)


async def loses_its_supervisor(run: Run) -> None:
    watcher = RunDir(Path(run.ref)).supervisor()
    assert watcher
    os.kill(watcher, signal.SIGKILL)


@pytest.mark.parametrize("way", [ends, is_stopped, loses_its_supervisor])
@pytest.mark.parametrize("where", [*NAMESPACES, *USERS])
async def test_who_says_the_tag_of_a_run_from_elsewhere_is_not_ended_with_it(
    runner: LocalProcessRunner, make: Make, where: str, way: Callable[[Run], Awaitable[None]]
) -> None:
    submission = make("sh", "-c", LEAVES.format(enter=""))
    run = await runner.submit(submission)
    await until(lambda: sleepers(submission) == 1)
    with stranger(where, RunDir(Path(run.ref)).tag().decode()) as one:
        await until(lambda: sleepers(submission) == 2)
        with anyio.fail_after(PATIENCE):
            await way(run)
            assert (await end_of(run)).state.ended
        assert one.poll() is None
        assert sleepers(submission) == 1, "what the run has left is"


@pytest.mark.parametrize("way", [ends, is_stopped])
@pytest.mark.parametrize("where", NAMESPACES)
async def test_what_has_namespaces_of_its_own_is_ended_with_its_run(
    runner: LocalProcessRunner, make: Make, where: str, way: Callable[[Run], Awaitable[None]]
) -> None:
    submission = make("sh", "-c", LEAVES.format(enter=" ".join(entering(where))))
    run = await runner.submit(submission)
    await until(lambda: sleepers(submission) == 1)
    with anyio.fail_after(PATIENCE):
        await way(run)
        assert (await end_of(run)).state.ended
    assert not processes_of(submission)
