"""Agents and supervisors that die, and submits that are repeated."""

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from local_process.runs import Make, command_line, is_alive, output_of, printed, processes_of
from waiting import PATIENCE

from launchkit.builtin.local_process.rundir import RunDir
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.errors import Elsewhere, RunLost, SubmitError
from launchkit.model import RunState
from launchkit.supervision.processes import descendants
from launchkit.testing import end_of, until, until_running

AGENT = """
import pickle, sys, anyio
from contextlib import AsyncExitStack
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.abc import Site

async def main():
    from pathlib import Path
    place, submission = Path(sys.argv[1]), pickle.load(open(sys.argv[2], "rb"))
    async with anyio.create_task_group() as tasks, AsyncExitStack() as stack:
        runner = LocalProcessRunner()
        await runner.start(stack, Site(agent="a", name="here", state_dir=place / "state",
                                       cache_dir=place / "cache", tasks=tasks))
        run = await runner.submit(submission)
        print(run.ref, flush=True)
        await anyio.sleep(float(sys.argv[3]))
        tasks.cancel_scope.cancel()

anyio.run(main)
"""


def agent(place: Path, submission: object, stay: float) -> "subprocess.Popen[str]":
    """Another process that submits, and stays for a while."""
    file = place.parent / f"submission-{os.urandom(4).hex()}"
    file.write_bytes(pickle.dumps(submission))
    argv = [sys.executable, "-c", AGENT, str(place), str(file), str(stay)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


async def test_submitting_again_gives_the_same_run(runner: LocalProcessRunner, make: Make) -> None:
    submission = make("sh", "-c", "echo once")
    ref = runner.ref_of(submission)
    first = await runner.submit(submission)
    second = await runner.submit(submission)
    await end_of(first)
    assert submission.code
    submission.code.mkdir()  # fetched anew
    third = await runner.submit(submission)
    assert not submission.code.exists()
    assert ref == first.ref == second.ref == third.ref
    assert await output_of(third) == b"once\n"
    assert (await third.status()).state is RunState.FINISHED


async def test_processes_that_submit_at_once_start_it_once(
    runner: LocalProcessRunner, make: Make, place: Path, tmp_path: Path
) -> None:
    submission = make("sh", "-c", "echo once", files={"a": ""})
    assert submission.code
    codes = [tmp_path / f"copy{n}" for n in range(4)]
    for code in codes:
        code.mkdir()
        (code / "a").write_text("")
    agents = [agent(place, replace(submission, code=code), 0) for code in codes]
    refs = {agent.communicate()[0].strip() for agent in agents}
    assert len(refs) == 1
    run = await runner.attach(refs.pop())
    await end_of(run)
    assert await output_of(run) == b"once\n"


@pytest.mark.parametrize("sign", ["", "code", "spec", "supervisor.log", "lock", "started", "child"])
async def test_a_submit_repeated_after_a_kill_at_any_moment_runs_it_once(
    runner: LocalProcessRunner, make: Make, place: Path, sign: str
) -> None:
    submission = make("sh", "-c", "echo once")
    other = agent(place, submission, 300)
    await until((place / "state" / "runs" / submission.name / sign).exists)
    other.kill()
    other.communicate()
    if submission.code:  # fetched anew by the next agent
        submission.code.mkdir(exist_ok=True)
    run = await runner.submit(submission)
    assert (await end_of(run)).state is RunState.FINISHED
    assert await output_of(run) == b"once\n"


async def test_a_run_outlives_the_kill_of_its_agent(
    runner: LocalProcessRunner, make: Make, place: Path
) -> None:
    script = "echo up; until [ -e go ]; do sleep 0.01; done; echo done; exit 5"
    other = agent(place, make("sh", "-c", script), 300)
    assert other.stdout
    ref = await anyio.to_thread.run_sync(other.stdout.readline)
    other.kill()
    other.communicate()
    run = await runner.attach(ref.strip())
    await printed(run, b"up")
    (Path(run.ref) / "code" / "go").touch()
    assert (await end_of(run)).exit_code == 5
    assert await output_of(run) == b"up\ndone\n"


def forks_of(agent: int) -> list[int]:
    """The program with which an agent forks supervisors."""
    return [pid for pid in descendants(agent) if "forks.main" in command_line(pid)]


async def test_what_forks_supervisors_ends_with_its_agent(place: Path, make: Make) -> None:
    other = agent(place, make("sleep", "300"), 300)
    assert other.stdout
    await anyio.to_thread.run_sync(other.stdout.readline)
    (program, *_) = forks_of(other.pid)
    other.kill()
    other.communicate()
    await until(lambda: not is_alive(program))


async def test_runs_are_started_when_what_forks_supervisors_was_killed(
    runner: LocalProcessRunner, make: Make
) -> None:
    waits = "echo up; until [ -e go ]; do sleep 0.01; done"
    first = await runner.submit(make("sh", "-c", waits))
    await printed(first, b"up")  # until then its process looks like a supervisor's
    parents = [pid for pid in forks_of(os.getpid()) if RunDir(Path(first.ref)).supervisor() != pid]
    for pid in parents:
        os.kill(pid, signal.SIGKILL)
    second = await runner.submit(make("sh", "-c", "exit 4"))
    assert (await end_of(second)).exit_code == 4
    (Path(first.ref) / "code" / "go").touch()
    assert (await end_of(first)).state is RunState.FINISHED


async def test_signals_to_the_agents_group_do_not_reach_the_run(
    runner: LocalProcessRunner, make: Make
) -> None:
    run = await runner.submit(make("sh", "-c", "echo up; sleep 300"))
    await printed(run, b"up")
    await until_running(run)
    watcher = RunDir(Path(run.ref)).supervisor()
    assert watcher
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        os.kill(watcher, number)
    assert os.getsid(watcher) != os.getsid(0)
    assert (await run.status()).state is RunState.RUNNING
    await run.cancel(5)


async def test_a_run_gets_default_signals_whatever_the_agent_ignores(
    runner: LocalProcessRunner, make: Make
) -> None:
    before = signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    try:
        run = await runner.submit(make("grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"))
        await end_of(run)
    finally:
        signal.signal(signal.SIGUSR2, before)
    libcs_own = 1 << 31 | 1 << 32
    sets = [int(line.split()[1], 16) for line in (await output_of(run)).splitlines()]
    assert [signals & ~libcs_own for signals in sets] == [0, 0]


@pytest.mark.parametrize("script", ["sleep 300", "setsid sleep 300 & sleep 300"])
async def test_when_its_supervisor_is_killed_a_run_is_lost_and_gone(
    runner: LocalProcessRunner, make: Make, script: str
) -> None:
    submission = make("sh", "-c", f"echo up; {script}")
    run = await runner.submit(submission)
    await printed(run, b"up")
    watcher = RunDir(Path(run.ref)).supervisor()
    assert watcher
    await until((Path(run.ref) / "child").exists)
    os.kill(watcher, signal.SIGKILL)
    status = await end_of(run)
    assert status.state is RunState.FAILED
    assert status.verdict
    assert status.verdict.code == "run_lost"
    assert processes_of(submission) == []
    assert await output_of(run) == b"up\n"
    assert (await end_of(await runner.submit(submission))) == status


async def test_a_run_that_was_never_started_is_lost(
    runner: LocalProcessRunner, make: Make, place: Path
) -> None:
    half_made = place / "state" / "runs" / "half-made"
    half_made.mkdir()
    for ref in (half_made, half_made.with_name("no-such-run")):
        with pytest.raises(RunLost, match=str(ref)):
            await runner.attach(str(ref))


@pytest.mark.parametrize(
    "ref",
    ["RUNS/../outside", "OUTSIDE", "RUNS/.over", "RUNS", "RUNS/..", "outside", "", "a\0/b", "/"],
)
async def test_a_record_is_no_reason_to_touch_a_directory_elsewhere(
    runner: LocalProcessRunner, place: Path, ref: str
) -> None:
    outside = place / "state" / "outside"
    outside.mkdir()
    (outside / "started").touch()
    (outside / "exit").write_text("stage ran\ncode 0\n")
    runs = place / "state" / "runs"
    (runs / ".over").mkdir()
    with pytest.raises(Elsewhere, match="where this runner keeps its runs") as caught:
        await runner.attach(ref.replace("RUNS", str(runs)).replace("OUTSIDE", str(outside)))
    assert caught.value.code == "run_lost"
    assert {path.name for path in outside.iterdir()} == {"started", "exit"}


async def test_a_run_is_found_through_another_name_of_its_place(
    runner: LocalProcessRunner, make: Make, place: Path
) -> None:
    run = await runner.submit(make("sh", "-c", "exit 3"))
    (place / "link").symlink_to(place / "state")
    again = await runner.attach(str(place / "link" / "runs" / Path(run.ref).name))
    assert (await end_of(again)).exit_code == 3


async def test_a_submit_that_was_cut_short_is_completed(
    runner: LocalProcessRunner, make: Make, place: Path
) -> None:
    submission = make("cat", "a", files={"a": "content"})
    assert submission.code
    half_made = place / "state" / "runs" / submission.name
    half_made.mkdir()
    submission.code.rename(half_made / "code")
    (half_made / "lock").touch()
    run = await runner.submit(submission)
    await end_of(run)
    assert await output_of(run) == b"content"


async def test_a_place_that_cannot_be_written_is_named(
    runner: LocalProcessRunner, make: Make, place: Path
) -> None:
    (place / "state" / "runs").rmdir()
    (place / "state" / "runs").touch()
    with pytest.raises(SubmitError, match="cannot be prepared: Not a directory") as caught:
        await runner.submit(make("true"))
    assert caught.value.hint


async def test_a_new_agent_learns_that_a_run_was_told_to_stop(
    runner: LocalProcessRunner, make: Make
) -> None:
    run = await runner.submit(make("sh", "-c", "exec sleep 300"))
    await until_running(run)
    await run.cancel(PATIENCE)
    later = await runner.attach(run.ref)
    status = await later.status()
    assert (status.state, status.exit_code) == (RunState.STOPPED, 143)


@pytest.mark.parametrize(
    ("command", "env"),
    [
        (["true"], {"BIG": "x" * (1 << 20)}),
        (["true", *["word"] * (1 << 18)], {}),
        (["n" * 1000], {"PATH": ":".join(map(str, range(20_000)))}),
    ],
    ids=["environment", "command", "places of a command"],
)
async def test_what_is_too_large_for_the_system_is_told(
    runner: LocalProcessRunner, make: Make, command: Sequence[str], env: Mapping[str, str]
) -> None:
    with pytest.raises(SubmitError) as caught:
        await runner.submit(make(*command, env=env))
    assert "too long" in (caught.value.hint or "")


async def test_a_run_that_is_over_and_removed_is_not_started_again(
    runner: LocalProcessRunner, make: Make, place: Path
) -> None:
    submission = make("sh", "-c", f"echo once >> {place}/count")
    run = await runner.submit(submission)
    await end_of(run)
    await run.aclose()
    with pytest.raises(SubmitError, match="over already"):
        await runner.submit(replace(make("true"), name=submission.name))
    assert (place / "count").read_text() == "once\n"
