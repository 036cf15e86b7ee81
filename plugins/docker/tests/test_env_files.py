"""Files with variables."""

import fcntl
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import pytest
from launchkit_docker.options.env_files import given_away, read_files
from launchkit_docker.options.file_reads import FileReads
from launchkit_docker.runner import ContainerRunner
from silent_mount import silent
from waiting import PATIENCE, until

from launchkit.errors import SubmitError
from launchkit.model import Secret
from launchkit.testing import FakeBackend, site_at, started

from .workshop import Scripts


@pytest.mark.parametrize("key", ["env-file", "env_file", "--env-file", "ENV-FILE"])
def test_files_that_a_launch_names_take_what_the_policy_opens_alone(key: str) -> None:
    environ = {"OPEN": "1", "AWS_SECRET_ACCESS_KEY": "hush"}
    for place in (f"resource_args.{key}", f"resource_args.{key}[1]"):
        for who in ("launch", "job", "template"):
            origins = {"resource_args.env-file[0]": "queue", "env.A": "launch", place: who}
            assert given_away(environ, origins, ("OPEN", "OTHER")) == {"OPEN": "1"}


def test_files_that_the_queue_names_take_all() -> None:
    environ = {"A": "1", "B": "2"}
    origins = {"resource_args.env-file": "queue", "env.A": "launch"}
    assert given_away(environ, origins, ("B",)) == environ


def test_later_files_win_and_a_bare_name_takes_the_agents(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("# a comment\n\nA=1\nB=x=y \nMINE\nNOT_THERE\n")
    second.write_text("A=2\n")
    found = read_files([str(first), str(second)], {"MINE": "from the agent"})
    assert found == {"A": "2", "B": "x=y ", "MINE": "from the agent"}


@pytest.mark.reported("F2", "F3a")
def test_files_are_read_as_docker_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.write_bytes(
        b"\xef\xbb\xbfFIRST=one\r\nSEP=a\xe2\x80\xa8b\nFF=a\x0cb\nNEL=a\xc2\x85b\n\tok= 1 \nno\n"
    )
    assert read_files([str(path)], {}) == {
        "FIRST": "one",
        "SEP": "a\u2028b",
        "FF": "a\fb",
        "NEL": "a\x85b",
        "ok": " 1 ",
    }


@pytest.mark.reported("F3c")
@pytest.mark.parametrize("line", ["NAME = value", "NAME\t=value", "A B=1", "ALONE "])
def test_a_name_with_spaces_is_refused_with_its_place(line: str, tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.write_text(f"ok=1\n{line}\n")
    with pytest.raises(SubmitError, match=r"env:2: a variable's name .*has spaces"):
        read_files([str(path)], {})


def test_a_line_without_a_name_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.write_text("A=1\n=2\n")
    with pytest.raises(SubmitError, match=r"env:2: a variable's name"):
        read_files([str(path)], {})


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SubmitError, match="nowhere cannot be read"):
        read_files([str(tmp_path / "nowhere")], {})


def test_a_file_of_labels_takes_nothing_from_the_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "secret")
    path = tmp_path / "labels"
    path.write_text("team=vision\nTOKEN\n")
    assert read_files([str(path)], {}) == {"team": "vision"}


@pytest.mark.parametrize("content", [b"A=1\0LAUNCHKIT_TOKEN=hush", b"\xff"])
def test_what_is_no_file_of_variables_is_not_passed_on(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "environ"
    path.write_bytes(content)
    with pytest.raises(SubmitError, match="environ cannot be read") as caught:
        read_files([str(path)], {})
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("path", ["/dev/zero", "/proc/self/fd", "/nowhere"])
def test_what_is_no_file_is_not_read(path: str) -> None:
    with pytest.raises(SubmitError, match=r"cannot be read: (it is no file|there is no such file)"):
        read_files([path], {})


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SubmitError, match="it is no file"):
        read_files([str(tmp_path / "pipe")], {})


@pytest.fixture
def leased(tmp_path: Path) -> Iterator[Path]:
    """A regular file that can be opened, or read, when somebody else lets go of it."""
    path = tmp_path / "env"
    path.touch()
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    with path.open("w") as file:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        yield path
    signal.signal(signal.SIGIO, before)


def test_a_file_that_has_nothing_to_read_yet_is_not_waited_for(leased: Path) -> None:
    with pytest.raises(SubmitError, match="env cannot be read"):
        read_files([str(leased)], {})


@pytest.fixture
def dead(tmp_path: Path) -> Iterator[Path]:
    """A file on a mount that never answers."""
    place = tmp_path / "dead"
    place.mkdir()
    with silent(place) as mounted:
        if not mounted:
            pytest.skip("nothing may be mounted here")
        yield place / "env"


async def test_a_file_that_never_answers_is_given_up(dead: Path) -> None:
    reads = FileReads(seconds=0.2)
    with pytest.raises(SubmitError, match=r"env-file: its files .* do not answer within 0.2 s"):
        await reads.done("env-file", partial(read_files, [str(dead)], {}))


def is_read() -> bool:
    """Whether a thread reads files just now."""
    stacks = map(traceback.extract_stack, sys._current_frames().values())
    return any(frame.name == "read_files" for stack in stacks for frame in stack)


@pytest.mark.parametrize("option", ["env_file", "label_file"])
async def test_a_submit_that_is_ended_leaves_a_file_that_never_answers_to_itself(
    runner: ContainerRunner, scripts: Scripts, dead: Path, option: str
) -> None:
    submission = scripts("true", **{option: str(dead)})
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(runner.submit, submission)
            await until(is_read)
            tasks.cancel_scope.cancel()
    assert is_read()
    assert not scripts.inspect(submission.name)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "env").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(SubmitError, match="more than 1048576 bytes"):
        read_files([str(tmp_path / "env")], {})


def test_files_that_are_too_large_together_are_refused(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("A=1\n" * 1000)
    assert read_files([str(tmp_path / "env")] * 262, {}) == {"A": "1"}
    with pytest.raises(SubmitError, match="with it there are more than 1048576 bytes"):
        read_files([str(tmp_path / "env")] * 263, {})


class Proving(FakeBackend):
    """Has a token that is in no variable."""

    def credentials(self) -> tuple[Secret, ...]:
        return (Secret("kept-token-1"),)


async def test_the_agents_token_reaches_no_run_by_a_file(
    tmp_path: Path, scripts: Scripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a file may be the one that the agent's own environment comes from."""
    monkeypatch.setenv("LAUNCHKIT_TOKEN", "own-token-1")
    monkeypatch.setenv("COPY", "own-token-1")
    monkeypatch.setenv("MINE", "mine")
    file = tmp_path / "agent.env"
    file.write_text(
        "LAUNCHKIT_TOKEN=own-token-0\nLAUNCHKIT_TOKEN_FILE=/x\nLAUNCHKIT_TOKEN\nCOPY\nMINE\n"
        "A=1\nB={'token': 'own-token-1'}\nC=kept-token-1\n"
    )
    submission = scripts("true", env_file=str(file), label_file=str(file))
    launch = replace(submission.launch, origins={"resource_args.env-file": "queue"})
    store = Proving(url=f"sqlite:///{tmp_path}/q.db", entity="test")
    async with (
        site_at(tmp_path / "store") as place,
        started(store, place) as backend,
        site_at(tmp_path, backend=backend) as site,
        started(ContainerRunner(), site) as runner,
    ):
        await runner.submit(replace(submission, launch=launch))
    seen = scripts.inspect(submission.name)
    assert seen
    given = dict(one.split("=", 1) for one in seen["Config"]["Env"])
    assert given.pop("PATH", None)
    assert given == {"A": "1", "MINE": "mine"}
    assert not {"B", "C", "LAUNCHKIT_TOKEN"} & seen["Config"]["Labels"].keys()
