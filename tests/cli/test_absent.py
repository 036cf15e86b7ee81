"""A queue whose SQLite file is not there: reading makes none, and one that is gone is told of."""

from pathlib import Path

import pytest
from cli.conftest import Program

NOWHERE = "nowhere/deep/queue.db"
READERS = [
    ("ls",),
    ("ls", "-a"),
    ("ls", "-w", "-o", "jsonl"),
    ("show", "x"),
    ("logs", "x"),
    ("wait", "x"),
    ("agents",),
    ("queue", "list"),
    ("queue", "show", "q"),
    ("job", "list"),
    ("user", "list"),
    ("store", "prune", "--keep", "1"),
    ("stop", "x"),
    ("queue", "pause", "q", "--reason", "r"),
]


def backend(program: Program) -> tuple[str, str]:
    return ("--backend", f"sqlite:///{program.folder}/{NOWHERE}")


@pytest.fixture
def home(program: Program, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the file lies that nobody named."""
    monkeypatch.delenv("LAUNCHKIT_BACKEND")
    monkeypatch.setenv("XDG_DATA_HOME", str(program.folder / "data"))
    return program.folder / "data"


@pytest.mark.parametrize("words", READERS, ids=" ".join)
def test_what_only_reads_makes_no_file_and_says_how_one_is_made(
    program: Program, words: tuple[str, ...]
) -> None:
    said = program(*words, *backend(program), code=5).stderr
    assert f"there is no queue in {program.folder}/{NOWHERE}: no such file" in said
    assert "launchkit queue create" in said
    assert not (program.folder / "nowhere").exists()


def test_there_is_nothing_yet_in_a_queue_that_nobody_named(program: Program, home: Path) -> None:
    assert program.data("ls") == []
    assert program.data("queue", "list") == []
    assert program.data("agents") == []
    assert "there are none" in program("ls").output
    assert "no launch" in program("show", "x", code=5).stderr
    assert "no such file" in program("ls", "-w", "-o", "jsonl", code=5).stderr
    assert not home.exists()


def test_the_first_queue_makes_the_file(program: Program, home: Path) -> None:
    program("queue", "create", "q", "-r", "local-process")
    assert [one["name"] for one in program.data("queue", "list")] == ["q"]
    assert (home / "launchkit" / "launchkit.db").is_file()


def test_an_agent_says_that_it_makes_the_file(program: Program) -> None:
    said = program("agent", "-q", "q", *backend(program), code=5).stderr
    assert f"{program.folder}/{NOWHERE} is not there: it is made, without a queue" in said


@pytest.mark.parametrize(
    "words",
    [
        ("ls",),
        ("stop", "x"),
        ("queue", "create", "r", "-r", "local-process"),
        ("agent", "-q", "q", "--exit-when-idle"),
        ("store", "migrate"),
    ],
    ids=" ".join,
)
def test_a_file_that_is_gone_is_not_made_anew_until_its_traces_are_removed(
    queue: Program, words: tuple[str, ...]
) -> None:
    path = queue.folder / "queue.db"
    path.unlink()
    said = queue(*words, code=3).stderr
    assert f"{path} is gone" in said
    assert "launchkit store restore FILE" in said
    assert "rm -r " in said
    assert f"{path}-wake" in said
    assert not path.exists()
    for trace in path.parent.glob("queue.db-w*"):
        (Path.rmdir if trace.is_dir() else Path.unlink)(trace)
    queue("queue", "create", "r", "-r", "local-process")
    assert [one["name"] for one in queue.data("queue", "list")] == ["r"]


def test_a_backup_is_put_in_the_place_of_a_file_that_is_gone(queue: Program) -> None:
    queue("store", "backup", "kept.db")
    (queue.folder / "queue.db").unlink()
    queue("store", "restore", "kept.db")
    assert [one["name"] for one in queue.data("queue", "list")] == ["q"]
