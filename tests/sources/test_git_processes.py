"""What git starts ends with its fetch, and what it needs of the machine is told."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest
from sources.conftest import Repository, source
from waiting import PATIENCE, until

from launchkit.builtin.git import GitFetcher
from launchkit.errors import FetchError
from launchkit.model import GitSource
from launchkit.supervision.processes import descendants


async def test_a_machine_without_git_is_told_to_install_it(repository, monkeypatch, into) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(FetchError, match="git is not installed") as caught:
        await GitFetcher().fetch(source(repository), into)
    assert "install git" in str(caught.value.hint)
    (finding,) = await GitFetcher().check()
    assert finding.level == "error"


async def test_an_agent_started_inside_a_git_hook_fetches_the_right_repository(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, into: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    await GitFetcher().fetch(source(repository), into)
    assert (into / "train.py").exists()


@pytest.fixture
def silent_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ssh that writes its process id and then hangs, with a child that hangs too."""
    program, pids = tmp_path / "ssh", tmp_path / "pids"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/args\nsleep 600 &\n')
    with program.open("a") as file:
        file.write(f"echo $$ $! > {pids}.new && mv {pids}.new {pids}\nwait\n")
    program.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(program))
    monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    return pids


def living(pids: Path) -> list[str]:
    """Which of these processes are there and are not zombies."""
    return alive(pids.read_text().split() if pids.exists() else [])


def alive(pids: Sequence[object]) -> list[str]:
    stats = {str(pid): Path(f"/proc/{pid}/stat") for pid in pids}
    return [
        pid for pid, stat in stats.items() if stat.exists() and stat.read_text().split()[2] != "Z"
    ]


async def cancel_when_it_hangs(remote: str, pids: Path, into: Path) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(GitFetcher().fetch, GitSource(remote=remote), into)
        with anyio.fail_after(PATIENCE):
            while not pids.exists():  # noqa: ASYNC110 - another process makes it
                await anyio.sleep(0.01)
        assert len(living(pids)) == 2
        tasks.cancel_scope.cancel()


async def test_after_a_time_out_nothing_of_git_is_left(silent_ssh: Path, into: Path) -> None:
    with pytest.raises(FetchError, match=r"did not end within 0.5 seconds"):
        await GitFetcher(timeout=0.5).fetch(GitSource(remote="git@host.invalid:o/r"), into)
    assert living(silent_ssh) == []


async def test_after_a_cancellation_nothing_of_git_is_left(silent_ssh: Path, into: Path) -> None:
    await cancel_when_it_hangs("git@host.invalid:o/r", silent_ssh, into)
    assert living(silent_ssh) == []
    assert (silent_ssh.parent / "args").read_text().startswith("-o BatchMode=yes")


FETCH = """
import sys
from pathlib import Path
import anyio
from launchkit.builtin.git import GitFetcher
from launchkit.model import GitSource
anyio.run(GitFetcher().fetch, GitSource(remote=sys.argv[1]), Path(sys.argv[2]))
"""


async def test_nothing_of_git_outlives_an_agent_that_is_killed(
    silent_ssh: Path, into: Path
) -> None:
    command = [sys.executable, "-c", FETCH, "git@host.invalid:o/r", str(into)]
    agent = subprocess.Popen(command)
    await until(silent_ssh.exists)
    begun = descendants(agent.pid)
    assert {*living(silent_ssh)} <= {*map(str, begun)}
    agent.kill()
    agent.wait()
    await until(lambda: not alive(begun))


async def test_what_was_fetched_may_be_read_by_all_whatever_the_umask_is(
    repository: Repository, into: Path
) -> None:
    repository.commit({"sub/script.sh": "true"})
    before = os.umask(0o077)
    try:
        await GitFetcher().fetch(source(repository), into)
    finally:
        os.umask(before)
    modes = {name: stat.S_IMODE((into / name).stat().st_mode) for name in ("sub", "train.py")}
    assert modes == {"sub": 0o755, "train.py": 0o644}


async def test_a_program_that_ignores_the_ends_of_its_children_is_told_so(
    repository: Repository, into: Path
) -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with pytest.raises(FetchError, match="ignores SIGCHLD") as caught:
            await GitFetcher().fetch(source(repository), into)
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert caught.value.hint


async def test_git_is_found_by_the_check() -> None:
    (finding,) = await GitFetcher().check()
    assert (finding.level, finding.message.split()[0]) == ("ok", "git")


async def test_the_ssh_command_of_the_git_configuration_is_kept(
    silent_ssh: Path, monkeypatch: pytest.MonkeyPatch, into: Path
) -> None:
    program = os.environ["GIT_SSH_COMMAND"]
    monkeypatch.delenv("GIT_SSH_COMMAND")
    command = ["git", "config", "--global", "core.sshCommand", f"{program} -i key"]
    subprocess.run(command, check=True)
    await cancel_when_it_hangs("ssh://git@host.invalid/o/r", silent_ssh, into)
    assert (silent_ssh.parent / "args").read_text().startswith("-i key -o BatchMode=yes")
