"""Lists of some launches, and lists that go on."""

import getpass
import json
import os
import pty
import select
import signal
import subprocess
import sys

import pytest
from cli.conftest import Program
from waiting import PATIENCE


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--name", "sweep-*"), ["sweep-2", "sweep-1"]),
        (("--name", "sweep-?", "--state", "stopped"), ["sweep-1"]),
        (("--author", "nobody"), []),
        (("--author", getpass.getuser(), "--limit", "1"), ["other"]),
        (("--agent", "none"), []),
        (("--since", "1h", "-q", "q"), ["other", "sweep-2", "sweep-1"]),
        (("--since", "0"), []),
    ],
)
def test_launches_are_listed_by_what_is_wanted(
    queue: Program, words: tuple[str, ...], found: list[str]
) -> None:
    for name in ("sweep-1", "sweep-2", "other"):
        queue.launch("1", "--name", name)
    queue("stop", "sweep-1")
    assert [row["name"] for row in queue.data("ls", *words)] == found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--sort", "launched", "--reverse"), "a b c"),
        (("--sort", "queue"), "b c a"),
        (("--sort", "queue", "--reverse"), "c a b"),
        (("--sort", "state"), "c b a"),
        (("--sort", "state", "--reverse", "--limit", "2"), "a c"),
    ],
)
def test_launches_are_sorted_as_is_wanted(
    queue: Program, words: tuple[str, ...], found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue("queue", "create", "other", "--resource", "local-process")
    for name, where in (("a", "q"), ("b", "other"), ("c", "q")):
        queue.launch("1", "--name", name, queue=where)
    queue("stop", "a")
    assert " ".join(row["name"] for row in queue.data("ls", *words)) == found
    monkeypatch.setattr("launchkit.abc.hub.PAGE", 2)
    if "--limit" not in words:
        assert " ".join(row["name"] for row in queue.data("ls", "-a", *words)) == found


def test_launches_are_listed_by_their_agent(queue: Program) -> None:
    run = queue.launch("print(1)")
    queue.work()
    agent = queue.data("show", run)["agent"]
    assert queue.out("ls", "--agent", agent, "-o", "name").split() == [run]


@pytest.mark.parametrize("form", ["json", "jsonl", "yaml", "name"])
def test_all_launches_are_printed_in_pages_as_they_are_at_once(
    queue: Program, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit.abc.hub.PAGE", 2)
    assert queue.out("ls", "-a", "-o", form) == queue.out("ls", "-o", form)
    for number in range(4):
        queue.launch("1", "--name", f"run-{number}")
        assert queue.out("ls", "-a", "-o", form) == queue.out("ls", "-o", form)


@pytest.mark.parametrize("form", ["table", "json", "yaml", "name"])
def test_a_list_that_goes_on_needs_a_terminal_or_lines(queue: Program, form: str) -> None:
    assert "--watch needs a terminal" in queue("ls", "-w", "-o", form, code=2).stderr


def test_a_stream_has_a_line_for_each_event_from_now_on(queue: Program) -> None:
    old = queue.launch("1", "--name", "old")
    with queue.start("ls", "-w", "-o", "jsonl", "--name", "o*", env=unbuffered()) as watcher:
        assert watcher.stdout
        while not select.select([watcher.stdout], [], [], 0.2)[0]:
            queue.launch("1", "--name", "not wanted")
            queue("hold", old, "--reason", "x")  # the watcher may not be there yet
            queue("requeue", old)
        event = json.loads(watcher.stdout.readline())
        assert (event["id"], event["name"], event["kind"]) == (old, "old", "state")
        assert event["cause"] in {"x", "released"}
        watcher.send_signal(signal.SIGINT)
        assert watcher.wait(PATIENCE) == 130


def unbuffered() -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1"}


def test_a_list_on_a_terminal_follows_what_happens(queue: Program) -> None:
    run = queue.launch("1")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "launchkit", "ls", "--watch"]
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "200", "LINES": "50"}
    with subprocess.Popen(command, stdout=theirs, env=env) as process:
        os.close(theirs)
        shown = read_until(ours, "queued")
        assert run in shown
        queue("stop", run)
        read_until(ours, "stopped")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    os.close(ours)


def read_until(terminal: int, word: str) -> str:
    shown = ""
    while word not in shown:
        shown += os.read(terminal, 4096).decode()
    return shown
