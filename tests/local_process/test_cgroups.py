"""Cgroups of runs, made in that of the tests, where that may be done."""

import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import anyio
import pytest
from local_process.runs import Make, command_line, is_alive, output_of, printed, site_at

from launchkit.abc import Run
from launchkit.builtin.local_process.rundir import RunDir
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.model import RunState
from launchkit.supervision import cgroup
from launchkit.testing import end_of, until

HOME = cgroup.home()
with_cgroups = pytest.mark.skipif(not HOME, reason="no cgroups may be made here")
HIDDEN = "env -i setsid -f sh -c 'echo $$; exec sleep 300'"
"""Starts a process that tells its number, and has neither tag, group nor parent of the run."""


async def hiding(run: Run) -> int:
    """The number of what hides, once it is there and the run is on record."""
    await printed(run, b"\n")
    await until((Path(run.ref) / "child").exists)
    pid = int((Path(run.ref) / "output.log").read_text())
    await until(lambda: command_line(pid) == "sleep 300 ")
    return pid


def kill_supervisor(run: Run) -> None:
    watcher = RunDir(Path(run.ref)).supervisor()
    assert watcher
    os.kill(watcher, signal.SIGKILL)


def cgroup_of(run: Run) -> cgroup.Cgroup:
    group = RunDir(Path(run.ref)).cgroup()
    assert group
    return group


@with_cgroups
async def test_a_run_is_born_in_a_cgroup_that_is_removed_at_its_end(
    runner: LocalProcessRunner, make: Make
) -> None:
    run = await runner.submit(
        make("sh", "-c", "cat /proc/self/cgroup; until [ -e go ]; do :; done")
    )
    await printed(run, b"0::")
    path = cgroup_of(run).path
    assert Path(path).parent == Path(HOME)
    assert Path(path).stat().st_mode & 0o777 == 0o700
    (Path(run.ref) / "code" / "go").touch()
    assert (await end_of(run)).state is RunState.FINISHED
    assert f"/{Path(path).name}\n".encode() in await output_of(run)
    assert not Path(path).exists()


NESTED = """
import os
here = os.open(f"{os.environ['GROUP']}", os.O_RDONLY)
for _ in range(1200):
    os.mkdir("aaaa", dir_fd=here)
    here = os.open("aaaa", os.O_RDONLY, dir_fd=here)
procs = os.open("cgroup.procs", os.O_WRONLY, dir_fd=here)
os.write(procs, str(os.getpid()).encode())
print("in", flush=True)
os.execvp("sleep", ["sleep", "300"])
"""
"""Hides in cgroups that are in each other, further down than a path has room for."""


@with_cgroups
async def test_what_hides_in_very_many_cgroups_in_each_other_is_found_and_ended(
    runner: LocalProcessRunner, make: Make
) -> None:
    where = 'GROUP="$(grep -o "/launchkit-.*" /proc/self/cgroup)"'
    script = f'{where}; GROUP="{HOME}$GROUP" exec python -c "$NESTED"'
    run = await runner.submit(make("sh", "-c", script, env={"NESTED": NESTED}))
    await printed(run, b"in\n")
    group = cgroup_of(run)
    leader = RunDir(Path(run.ref)).leader()
    assert leader
    assert group.pids() == [leader[0]]
    kill_supervisor(run)
    status = await end_of(run)
    assert status.verdict
    assert status.verdict.code == "run_lost"
    assert not is_alive(leader[0])
    await run.aclose()
    assert not Path(group.path).exists()


@with_cgroups
async def test_setup_is_in_the_cgroup_of_its_run(runner: LocalProcessRunner, make: Make) -> None:
    submission = make("true")
    args = {"setup": f"cat /proc/self/cgroup # {uuid4()}"}
    object.__setattr__(submission, "resource_args", args)
    run = await runner.submit(submission)
    assert (await end_of(run)).state is RunState.FINISHED
    assert f"/{cgroup.PREFIX}{submission.name}.".encode() in await output_of(run)


@with_cgroups
async def test_what_hides_is_gone_too_when_the_supervisor_was_killed(
    runner: LocalProcessRunner, make: Make
) -> None:
    run = await runner.submit(make("sh", "-c", f"{HIDDEN}; exec sleep 300"))
    pid = await hiding(run)
    path = cgroup_of(run).path
    kill_supervisor(run)
    status = await end_of(run)
    assert status.verdict
    assert status.verdict.code == "run_lost"
    assert not is_alive(pid)
    await run.aclose()
    assert not Path(path).exists()
    assert not Path(run.ref).exists()


@with_cgroups
@pytest.mark.parametrize("keep", [False, True])
async def test_a_later_agent_ends_what_nobody_watches(
    runner: LocalProcessRunner, make: Make, place: Path, keep: bool
) -> None:
    run = await runner.submit(make("sh", "-c", f"{HIDDEN}; exec sleep 300"))
    watched = await runner.submit(make("sleep", "300"))
    pid = await hiding(run)
    path = cgroup_of(run).path
    kill_supervisor(run)
    await until(lambda: RunDir(Path(run.ref)).supervisor() is None)
    assert is_alive(pid)
    async with anyio.create_task_group() as tasks, AsyncExitStack() as stack:
        await LocalProcessRunner(keep=keep).start(stack, site_at(place, tasks))
        await until(lambda: not Path(path).exists())
        tasks.cancel_scope.cancel()
    await until(lambda: not is_alive(pid))
    assert not (await watched.status()).state.ended
    await watched.cancel(0)


@with_cgroups
async def test_cgroups_that_a_run_has_made_go_with_it(
    runner: LocalProcessRunner, make: Make
) -> None:
    run = await runner.submit(make("sleep", "300"))
    await until((Path(run.ref) / "child").exists)
    group = cgroup_of(run)
    (Path(group.path) / "inner" / "most").mkdir(parents=True)
    await run.cancel(5)
    assert (await run.status()).state is RunState.STOPPED
    assert not Path(group.path).exists()


@with_cgroups
def test_where_no_process_can_be_born_in_a_cgroup_it_is_born_outside() -> None:
    pid = cgroup.Cgroup(f"{HOME}/{cgroup.PREFIX}none").fork()
    if not pid:
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


def test_no_cgroup_is_made_where_none_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cgroup.begin("", "run") is None
    assert cgroup.begin(str(tmp_path / "nowhere"), "run") is None
    assert cgroup.begin(str(tmp_path), "run") is None  # a directory, but no cgroup
    assert [path.name for path in tmp_path.iterdir()] == [cgroup.RECORD]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "{home}",
        "{home}/launchkit-other.0123456789abcdef",
        "{home}/launchkit-run.01234567",
        "{home}/launchkit-run.0123456789abcdef",
    ],
)
def test_a_note_of_what_is_no_cgroup_of_the_run_is_none(tmp_path: Path, name: str) -> None:
    home = tmp_path / "home"
    for folder in (home, Path(name.format(home=home))):
        if folder.is_relative_to(home):
            folder.mkdir(exist_ok=True)
            (folder / "cgroup.kill").touch()
    run = tmp_path / "run"
    run.mkdir()
    (run / cgroup.RECORD).write_text(name.format(home=home))
    assert cgroup.recorded(str(run)) is None


async def test_check_says_whether_runs_have_cgroups(runner: LocalProcessRunner) -> None:
    (said,) = [found for found in await runner.check() if found.subject == "cgroups"]
    assert said.level == "ok"
    assert (HOME in said.message) if HOME else ("Delegate=yes" in (said.hint or ""))
