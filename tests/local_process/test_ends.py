"""How runs end, and what is said about it."""

import os
from contextlib import suppress
from pathlib import Path
from subprocess import Popen
from uuid import uuid4

import pytest
from local_process.runs import Make, command_line, is_alive, output_of, printed, processes_of
from waiting import PATIENCE

from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.model import RunState
from launchkit.plain_text import TAIL_BYTES
from launchkit.supervision import forks
from launchkit.supervision.processes import TAG
from launchkit.testing import end_of, until, until_running

WAIT = "until [ -e go ]; do sleep 0.01; done"


async def test_a_program_that_ends_well_is_finished(runner: LocalProcessRunner, make: Make) -> None:
    run = await runner.submit(make("python", "-c", "print('hello')"))
    status = await end_of(run)
    assert (status.state, status.exit_code) == (RunState.FINISHED, 0)
    assert await output_of(run) == b"hello\n"


@pytest.mark.parametrize(
    ("script", "exit_code", "code", "said"),
    [
        ("exit 7", 7, "user_exit", "exit code 7"),
        ("kill -SEGV $$", 139, "killed_by_signal", "SIGSEGV"),
        ("kill -KILL $$", 137, "killed_by_signal", "SIGKILL"),
        ("kill -TERM $$", 143, "killed_by_signal", "SIGTERM"),
    ],
)
async def test_a_bad_end_gets_its_verdict(
    runner: LocalProcessRunner, make: Make, script: str, exit_code: int, code: str, said: str
) -> None:
    status = await end_of(await runner.submit(make("sh", "-c", f"echo last words; {script}")))
    assert (status.state, status.exit_code) == (RunState.FAILED, exit_code)
    assert status.verdict
    assert status.verdict.code == code
    assert said in status.verdict.summary
    assert status.verdict.evidence == ("last words",)


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (("no-such-program",), "entry_point_not_found", "'no-such-program'"),
        (("pyton", "train.py"), "entry_point_not_found", "-E 'python train.py'"),
        (("./train.py",), "entry_point_not_found", "'./train.py'"),
        (("./plain.txt",), "entry_point_not_executable", "chmod +x"),
        (("./noexec.sh",), "entry_point_not_executable", "interpreter"),
        (("-cexit()",), "entry_point_not_executable", "python './-cexit()'"),
        (("-codd.sh",), "entry_point_not_found", "python ./-codd.sh"),
        (("./odd.sh",), "entry_point_not_found", "interpreter in its first line"),
        (("src",), "entry_point_not_found", "'src'"),
        (("n" * 300,), "entry_point_not_found", "could not be started: File name too long"),
        (("./" + "n" * 300,), "entry_point_not_found", "could not be started: File name too long"),
        (("n/" * 2100,), "entry_point_not_found", "could not be started: File name too long"),
    ],
)
async def test_an_entry_point_that_cannot_start_is_named(
    runner: LocalProcessRunner, make: Make, command: tuple[str, ...], code: str, said: str
) -> None:
    odd = "#!/no/such/thing\n"
    files = {"plain.txt": "", "noexec.sh": "\x00\x01", "odd.sh": odd, "src/a": ""}
    files |= {"-cexit()": "", "-codd.sh": odd}
    status = await end_of(await runner.submit(make(*command, files=files)))
    assert status.state is RunState.FAILED
    assert status.exit_code is None
    assert status.verdict
    assert said in f"{status.verdict.summary} {status.verdict.hint}"
    assert status.verdict.code == code


@pytest.mark.parametrize(
    ("command", "working_dir"),
    [
        (("run.sh",), None),
        (("./run.sh",), None),
        (("./run.sh",), "sub"),
        (("sh", "run.sh"), None),
        (("sh", "../run.sh"), "sub"),
        (("inner.sh",), "sub"),
    ],
)
async def test_an_entry_point_is_found_in_the_code(
    runner: LocalProcessRunner, make: Make, command: tuple[str, ...], working_dir: str | None
) -> None:
    script = "#!/bin/sh\nbasename $PWD\n"
    submission = make(
        *command, files={"run.sh": script, "sub/inner.sh": script}, working_dir=working_dir
    )
    run = await runner.submit(submission)
    assert (await end_of(run)).state is RunState.FINISHED
    assert await output_of(run) == f"{working_dir or 'code'}\n".encode()


async def test_python_is_the_agents_own_where_there_is_no_other(
    runner: LocalProcessRunner, make: Make
) -> None:
    run = await runner.submit(make("python", "-c", "import pytest", env={"PATH": "/nowhere"}))
    assert (await end_of(run)).state is RunState.FINISHED


async def test_background_processes_do_not_outlive_the_program(
    runner: LocalProcessRunner, make: Make
) -> None:
    submission = make("sh", "-c", f"sleep 300 & setsid sleep 300 & echo $!; {WAIT}")
    run = await runner.submit(submission)
    await printed(run, b"\n")
    assert len(processes_of(submission)) >= 3
    (Path(run.ref) / "code" / "go").touch()
    assert (await end_of(run)).state is RunState.FINISHED
    assert processes_of(submission) == []


async def test_evidence_is_plain_text_whatever_the_output_was(
    runner: LocalProcessRunner, make: Make
) -> None:
    program = r"import sys; sys.stdout.buffer.write(b'\xff\x00\x1b[31mred\x1b[0m\rprogress\n' * 30)"
    run = await runner.submit(make("python", "-c", program + "; sys.exit(1)"))
    status = await end_of(run)
    assert status.verdict
    assert status.verdict.evidence == ("progress",) * 20


HIDDEN = (
    "env -i setsid sleep {0} &",
    "env -i setsid -f sleep {0};",
    "(env -i setsid -f sh -c 'sleep {0}; true');",
)
"""What starts a process that has neither the run's tag nor its group, nor maybe a parent."""


def sleeping(mark: str) -> list[str]:
    """The processes that sleep for so long."""
    pids = [path.name for path in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if f"sleep {mark}" in command_line(int(pid))]


@pytest.fixture(params=["where it may be", "nowhere"])
def cgroups(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where runs get one: what ends them must do so without, too."""
    if request.param == "nowhere":
        program = forks.PROGRAM.replace("forks.main()", "forks.cgroup.home = str; forks.main()")
        monkeypatch.setattr(forks, "PROGRAM", program)


@pytest.mark.usefixtures("cgroups")
@pytest.mark.reported("F13a")
@pytest.mark.parametrize("script", HIDDEN)
async def test_what_hides_from_a_run_ends_with_it(
    runner: LocalProcessRunner, make: Make, script: str
) -> None:
    mark = f"3000.{uuid4().int % 10**9}"
    run = await runner.submit(make("sh", "-c", f"{script.format(mark)} {WAIT}"))
    await until(lambda: bool(sleeping(mark)))
    (Path(run.ref) / "code" / "go").touch()
    assert (await end_of(run)).state is RunState.FINISHED
    assert sleeping(mark) == []


@pytest.mark.usefixtures("cgroups")
@pytest.mark.reported("F13a")
@pytest.mark.parametrize("script", HIDDEN)
async def test_what_hides_from_a_run_is_stopped_with_it(
    runner: LocalProcessRunner, make: Make, script: str
) -> None:
    mark = f"3000.{uuid4().int % 10**9}"
    run = await runner.submit(make("sh", "-c", f"{script.format(mark)} sleep 300"))
    await until(lambda: bool(sleeping(mark)))
    await run.cancel(5)
    assert (await run.status()).state is RunState.STOPPED
    assert sleeping(mark) == []


async def test_orphans_that_end_before_their_run_leave_no_zombies(
    runner: LocalProcessRunner, make: Make
) -> None:
    orphans = "for n in 1 2 3 4 5; do setsid -f true; done"
    run = await runner.submit(make("sh", "-c", f"{orphans}; echo $PPID; exec sleep 300"))
    await printed(run, b"\n")
    supervisor = int((Path(run.ref) / "output.log").read_text())
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children")
    await until(lambda: len(children.read_text().split()) == 1)
    await run.cancel(5)


def zombies() -> set[int]:
    """The ended children of this process that nobody has asked for."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            if state == "Z" and int(parent) == os.getpid():
                found.add(int(path.parent.name))
    return found


async def test_no_zombie_is_left(runner: LocalProcessRunner, make: Make) -> None:
    before = zombies()
    run = await runner.submit(make("sh", "-c", "echo $PPID $$"))
    await end_of(run)
    supervisor, program = map(int, (await output_of(run)).split())
    assert not is_alive(program)
    await until(lambda: not is_alive(supervisor))
    await until(lambda: zombies() <= before)


async def test_the_last_output_says_where_it_was_cut(
    runner: LocalProcessRunner, make: Make
) -> None:
    rest = TAIL_BYTES - 12
    script = f"print('begin-0123456789-end' + chr(10) + 'x' * {rest}); raise SystemExit(1)"
    status = await end_of(await runner.submit(make("python", "-c", script)))
    assert status.verdict is not None
    assert status.verdict.evidence == ("…", f"… ({rest} characters)")


async def test_what_says_that_it_is_of_a_run_is_not_ended_with_it(
    runner: LocalProcessRunner, make: Make
) -> None:
    """As a container of somebody else on this machine may, or one of its image."""
    submission = make("sleep", "300")
    run = await runner.submit(submission)
    await until_running(run)
    with Popen(("sleep", "300"), env={TAG: submission.name}) as stranger:
        try:
            await run.cancel(PATIENCE)
            assert (await end_of(run)).state is RunState.STOPPED
            assert stranger.poll() is None, "it is not of the run"
        finally:
            stranger.kill()
