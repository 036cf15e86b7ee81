"""When the operating system says no: the path, the reason, what to do, and no talk of a fault."""

import json
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.conftest import Program
from rights import like_others
from waiting import PATIENCE

from launchkit.cli.failures import NEXT, exit_code

NAME = "a€😀"
LONG = "x" * 300
"""No file system takes such a name."""
CODE = ("launch", "-q", "q", "-E", "python train.py", "-u")


@pytest.fixture
def closed(queue: Program) -> Iterator[str]:
    """A directory that this user may not enter."""
    folder = queue.folder / "closed"
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "train.py").touch()
    (folder / "c.yaml").write_text("queues: [q]\n")
    folder.chmod(0)
    with like_others():
        yield str(folder)
    folder.chmod(0o700)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--config", "{}/c.yaml", "ls"), 3),
        ((*CODE, "{}/code"), 4),
        (("job", "create", "code", "{}/code", "-E", "python train.py"), 4),
        ((*CODE, "code", "-c", "{}/c.yaml"), 3),
        (("queue", "create", "b", "-r", "local-process", "--config", "{}/c.yaml"), 3),
        (("apply", "-f", "{}/c.yaml"), 3),
        (("--backend", "sqlite:///{}/x.db", "ls"), 7),
        (("--backend", "sqlite:///{}/x.db", "queue", "create", "b", "-r", "local-process"), 7),
        (("--backend", "sqlite:///{}/x.db", "store", "backup", "b.db"), 7),
        (("store", "backup", "{}/b.db"), 7),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else "",
)
@pytest.mark.parametrize("place", ["closed", "no name"])
def test_a_path_that_cannot_be_looked_at_is_told_with_the_reason(
    queue: Program, closed: str, words: tuple[str, ...], code: int, place: str
) -> None:
    where, why = (
        (closed, "Permission denied") if place == "closed" else (LONG, "File name too long")
    )
    queue.code("pass")
    said = queue(*(word.format(where) for word in words), code=code).stderr.splitlines()[0]
    assert where in said
    assert said.endswith(why)


@pytest.mark.parametrize("words", [("ls",), ("doctor",), ("queue", "list")])
def test_a_home_that_is_closed_is_told(
    queue: Program, closed: str, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", closed)
    said = queue(*words, code=1 if words == ("doctor",) else 3).output
    assert f"{closed}/launchkit/launch-config.yaml: cannot be read: Permission denied" in said


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--config", "~nobody-here/c.yaml", "ls"), 3),
        (("--backend", "sqlite:///~nobody-here/x.db", "ls"), 5),
        ((*CODE, "code", "-c", "~nobody-here/c.yaml"), 3),
        (("apply", "-f", "~nobody-here/q.yaml"), 3),
    ],
)
def test_the_home_of_nobody_is_a_path_like_any_other(
    queue: Program, words: tuple[str, ...], code: int
) -> None:
    assert "~nobody-here/" in queue(*words, code=code).stderr


def test_doctor_tells_of_a_queue_that_it_may_not_see(queue: Program, closed: str) -> None:
    found = queue.data("doctor", "--backend", f"sqlite:///{closed}/x.db", code=1)
    (told,) = [one for one in found if one["subject"] == "queue backend"]
    assert told["message"] == f"the queue's database {closed}/x.db: Permission denied"


@pytest.mark.parametrize(
    "words", [("--help",), ("--version",), ("ls",), ("ls", "-o", "json"), ("completion", "bash")]
)
def test_output_that_finds_no_room_is_told(queue: Program, words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        process = queue.start(*words, stdout=full)
        _, said = process.communicate(timeout=PATIENCE)
    assert said.splitlines() == [
        "error machine  No space left on device",
        "  hint: free some disk space, or choose another place",
    ]
    assert process.returncode == 71


@pytest.fixture
def odd_name(queue: Program) -> None:
    queue.launch("print(1)", "--name", NAME)
    queue.work()


def closed_output() -> None:
    os.close(1)


@pytest.mark.parametrize("words", [("ls",), ("ls", "-o", "json"), ("logs", NAME), ("agents",)])
@pytest.mark.usefixtures("odd_name")
def test_an_output_that_is_closed_is_no_error(queue: Program, words: tuple[str, ...]) -> None:
    process = queue.start(*words, preexec_fn=closed_output)
    said = process.communicate(timeout=PATIENCE)[1]
    assert (process.returncode, "error" in said) == (0, False)


@pytest.mark.usefixtures("odd_name")
def test_a_letter_that_the_output_does_not_have_is_written_as_an_escape(
    queue: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1:strict")
    table, data = (queue.start("ls", *words) for words in ((), ("-o", "json")))
    assert r"a\u20ac" in table.communicate(timeout=PATIENCE)[0]
    assert [one["name"] for one in json.loads(data.communicate(timeout=PATIENCE)[0])] == [NAME]


def few_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))


def test_too_many_open_files_are_told_with_what_to_do(queue: Program) -> None:
    process = queue.start("ls", preexec_fn=few_files)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 71
    assert "Too many open files" in said
    assert "ulimit -n" in said


def test_a_working_directory_that_is_gone_keeps_nobody_from_looking(
    queue: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = queue.folder / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert queue.data("ls") == []


@pytest.mark.parametrize("number", NEXT)
def test_what_the_machine_refuses_is_no_fault_of_launchkits(number: int) -> None:
    assert exit_code(OSError(number, os.strerror(number))) == 71
