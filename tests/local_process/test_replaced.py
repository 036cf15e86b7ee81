"""Runs that put something else in the place of what their directory holds."""

import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
from anyio.abc import Process
from local_process.runs import Make, output_of, processes_of
from rights import like_others
from waiting import PATIENCE

from launchkit.abc import Run
from launchkit.builtin.local_process.reach import NoAnswer
from launchkit.builtin.local_process.run import LOST_NOTE
from launchkit.builtin.local_process.rundir import MOST_HOLE, RunDir
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.errors import RunLost
from launchkit.model import RunState, RunStatus
from launchkit.testing import end_of, until, until_running

REPLACE = """
import fcntl, os, signal, sys, time
what, name = sys.argv[1:]
os.chdir("..")
while not os.path.exists("child"):
    time.sleep(0.01)
print("begin", flush=True)
if what == "hole":
    os.truncate(name, 1 << 40)
    print("behind it", flush=True)
else:
    if os.path.lexists(name):
        os.unlink(name)
    match what:
        case "pipe": os.mkfifo(name)
        case "directory": os.mkdir(name)
        case "device": os.symlink("/dev/zero", name)
        case "circle": os.symlink(name, name)
        case "lease":
            signal.signal(signal.SIGIO, signal.SIG_IGN)
            file = os.open(name, os.O_CREAT | os.O_RDWR)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        case "sparse": os.truncate(os.open(name, os.O_CREAT | os.O_WRONLY), 1 << 40)
os.close(os.open("code/replaced", os.O_CREAT))
while not os.path.exists("code/go"):
    time.sleep(0.01)
"""
LOCK = """
import fcntl, os, socket, struct, sys, time
os.chdir("..")
while not os.path.exists("child"):
    time.sleep(0.01)
os.unlink("lock")
if sys.argv[1] == "open file":
    file = os.open("lock", os.O_CREAT | os.O_RDWR)
    whole = struct.pack("hhqqi0q", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    fcntl.fcntl(file, fcntl.F_OFD_SETLK, whole)
    keeper = socket.socket(socket.AF_UNIX)
    keeper.connect(sys.argv[2])
    socket.send_fds(keeper, [b"it"], [file])
else:
    os.link(sys.argv[2], "lock")
os.close(os.open("code/replaced", os.O_CREAT))
while not os.path.exists("code/go"):
    time.sleep(0.01)
"""
HOLDER = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.lockf(file, fcntl.LOCK_EX)
print(end="!", flush=True)
sys.stdin.read()
"""
LINK = """
import os, sys, time
while not os.path.exists("../child"):
    time.sleep(0.01)
own = os.path.dirname(os.getcwd())
os.rename(own, own + "-away")
os.symlink(sys.argv[1], own)
"""
BECOME = """
import os, sys, time
what, *names = sys.argv[1:]
while not os.path.exists("../child"):
    time.sleep(0.01)
own = os.path.dirname(os.getcwd())
os.rename(own, own + "-away")
match what:
    case "link": os.symlink(names[0] or own, own)
    case "file": os.close(os.open(own, os.O_CREAT))
    case "pipe": os.mkfifo(own)
    case "closed": os.mkdir(own, 0)
while not os.path.exists("go"):
    time.sleep(0.01)
"""
PLACES = {
    "circle": ["link", ""],
    "long name": ["link", "x" * 256],
    "way to nowhere": ["link", "/nowhere/at/all"],
    "way to a device": ["link", "/dev/zero"],
    "file": ["file"],
    "pipe": ["pipe"],
    "closed directory": ["closed"],
}
TAKE = """
import os, shutil, sys, time
name, other = sys.argv[1:]
while not os.path.exists("../child"):
    time.sleep(0.01)
own = os.path.dirname(os.getcwd())
if name == "directory":
    os.rename(own, own + "-away")
    os.symlink(other, own)
else:
    shutil.copy(os.path.join(other, name), os.path.join(own, name))
os.close(os.open("replaced", os.O_CREAT))
while not os.path.exists("go"):
    time.sleep(0.01)
"""
KINDS = ["pipe", "directory", "device", "circle", "sparse", "hole"]
READ = ["output.log", "child", "lock", "tag", "cgroup", "spec", "exit", "cancelled", "exit.tmp"]


async def replaced(runner: LocalProcessRunner, make: Make, what: str, name: str) -> Run:
    """A run that has done so, and goes on until it is let end."""
    run = await runner.submit(
        make("python3", "replace.py", what, name, files={"replace.py": REPLACE})
    )
    await until((Path(run.ref) / "code" / "replaced").exists)
    return run


def let_end(run: Run) -> None:
    (Path(run.ref) / "code" / "go").touch()


async def end_and_output(run: Run) -> tuple[RunStatus, bytes]:
    """Both, read at once as an agent does, while the run goes on and to its end."""
    found: list[bytes] = []

    async def read() -> None:
        found.append(await output_of(run))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await run.status()
        let_end(run)
        status = await end_of(run)
    return status, found[0]


@pytest.mark.parametrize("what", KINDS)
async def test_a_log_that_is_no_file_any_more_is_lost_and_its_run_ends(
    runner: LocalProcessRunner, make: Make, what: str
) -> None:
    run = await replaced(runner, make, what, "output.log")
    status, output = await end_and_output(run)
    assert status.state is RunState.FINISHED
    printed, note, rest = output.partition(LOST_NOTE)
    assert (printed.strip(b"\0"), rest) in {(b"begin\n", b""), (b"", b"")}
    assert note
    assert len(printed) <= MOST_HOLE


@pytest.mark.parametrize("name", READ)
async def test_a_run_that_replaces_what_is_known_of_it_ends(
    runner: LocalProcessRunner, make: Make, name: str
) -> None:
    run = await replaced(runner, make, "pipe", name)
    status, _ = await end_and_output(run)
    assert status.state.ended


@pytest.mark.parametrize("what", ["pipe", "lease"])
@pytest.mark.parametrize("name", READ)
async def test_a_run_that_replaces_what_is_known_of_it_can_be_stopped(
    runner: LocalProcessRunner, make: Make, what: str, name: str
) -> None:
    run = await replaced(runner, make, what, name)
    with anyio.fail_after(PATIENCE):
        await run.cancel(0.1)
    assert (await run.status()).state.ended


async def test_what_is_printed_after_the_end_is_not_read(
    runner: LocalProcessRunner, make: Make
) -> None:
    run = await runner.submit(make("echo", "hi"))
    await end_of(run)
    with (Path(run.ref) / "output.log").open("ab") as log:
        log.write(b"more\n")
    assert await output_of(run) == b"hi\n"


@pytest.mark.parametrize("child", ["-5 0", "99999999999999999999 0", "0 0", "x", "\udcff"])
async def test_a_number_that_no_process_has_is_none(
    runner: LocalProcessRunner, make: Make, child: str
) -> None:
    run = await replaced(runner, make, "sparse", "tag")
    (Path(run.ref) / "child").write_text(child, errors="surrogateescape")
    let_end(run)
    assert (await end_of(run)).state is RunState.FINISHED


@pytest.fixture
async def elsewhere(tmp_path: Path) -> AsyncIterator[tuple[Path, Process]]:
    """A file that a process which is not the run's has locked."""
    file = tmp_path / "elsewhere"
    async with await anyio.open_process([sys.executable, "-c", HOLDER, file]) as process:
        assert process.stdout
        assert await process.stdout.receive() == b"!"
        yield file, process
        process.kill()


@pytest.mark.parametrize("is_stopped", [False, True])
async def test_who_holds_another_lock_in_the_place_of_a_runs_is_left_alone(
    runner: LocalProcessRunner, make: Make, elsewhere: tuple[Path, Process], *, is_stopped: bool
) -> None:
    file, process = elsewhere
    code = make("python3", "lock.py", "link", str(file), files={"lock.py": LOCK})
    run = await runner.submit(code)
    await until((Path(run.ref) / "code" / "replaced").exists)
    with anyio.fail_after(PATIENCE):
        if is_stopped:
            await run.cancel(0.1)
        else:
            assert (await run.status()).state is RunState.RUNNING
            let_end(run)
        assert (await end_of(run)).state.ended
    assert process.returncode is None


@pytest.mark.parametrize("is_stopped", [False, True])
@pytest.mark.parametrize("name", ["tag", "child", "directory"])
async def test_what_tells_of_another_run_has_none_of_its_processes_ended(
    runner: LocalProcessRunner, make: Make, name: str, *, is_stopped: bool
) -> None:
    victim = await runner.submit(make("sleep", "300"))
    await until_running(victim)
    code = make("python3", "take.py", name, victim.ref, files={"take.py": TAKE})
    run = await runner.submit(code)
    home = Path(run.ref + "-away" if name == "directory" else run.ref)
    await until((home / "code" / "replaced").exists)
    with anyio.fail_after(PATIENCE):
        if is_stopped:
            await run.cancel(0.1)
        (home / "code" / "go").touch()
        assert (await end_of(run)).state.ended
    assert (await victim.status()).state is RunState.RUNNING
    await victim.cancel(PATIENCE)
    assert (await end_of(victim)).state is RunState.STOPPED


async def test_a_lock_of_an_open_file_is_no_processs(
    runner: LocalProcessRunner, make: Make, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as keeper:
        keeper.bind(str(tmp_path / "keeper"))
        keeper.listen()
        code = make(
            "python3", "lock.py", "open file", keeper.getsockname(), files={"lock.py": LOCK}
        )
        run = await runner.submit(code)
        await until((Path(run.ref) / "code" / "replaced").exists)
        assert RunDir(Path(run.ref)).supervisor() is None
        let_end(run)
        with anyio.fail_after(PATIENCE):
            assert (await end_of(run)).state.ended


async def test_nothing_is_removed_where_a_link_leads_that_stands_for_the_directory_of_a_run(
    runner: LocalProcessRunner, make: Make, tmp_path: Path
) -> None:
    others = tmp_path / "others"
    (others / "code").mkdir(parents=True)
    for name in ("output.log", "started"):
        (others / name).touch()
    submission = make("python3", "link.py", str(others), files={"link.py": LINK})
    run = await runner.submit(submission)
    with anyio.fail_after(PATIENCE):
        await end_of(run)
    await run.aclose()
    assert sorted(path.name for path in others.iterdir()) == ["code", "output.log", "started"]


@pytest.mark.parametrize("is_stopped", [False, True])
@pytest.mark.parametrize("what", PLACES)
async def test_a_run_with_something_else_in_the_place_of_its_directory_ends_as_lost(
    runner: LocalProcessRunner, make: Make, what: str, *, is_stopped: bool
) -> None:
    submission = make("python3", "become.py", *PLACES[what], files={"become.py": BECOME})
    run = await runner.submit(submission)
    away = Path(run.ref + "-away")
    await until(lambda: away.exists() and os.path.lexists(run.ref))
    with like_others(), anyio.fail_after(PATIENCE):
        with pytest.raises(NoAnswer):
            await run.status()
        if is_stopped:
            await run.cancel(0.1)
            assert (await run.status()).state is RunState.STOPPED
        else:
            (away / "code" / "go").touch()
            await until(lambda: not processes_of(submission))
            with pytest.raises(RunLost):
                await end_of(run)
            with pytest.raises(RunLost):
                await (await runner.attach(run.ref)).status()
        await run.aclose()
    assert not processes_of(submission)
    assert not os.path.lexists(run.ref)
