"""Looking at launches, waiting for them, stopping them, and their logs."""

import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest
from cli.conftest import WAIT, Program, read_until
from waiting import PATIENCE

from launchkit.cli.show import resolved_screen
from launchkit.model import AgentCapacity, ItemReport, ItemState
from launchkit.store import queues
from launchkit.store.backend import StoreBackend
from launchkit.testing import site_at, started


def test_launches_are_listed_newest_first_up_to_a_limit(queue: Program) -> None:
    runs = [queue.launch(f"print({n})") for n in range(3)]
    result = queue("ls", "-o", "name", "--limit", "2")
    assert result.stdout.split() == [runs[2], runs[1]]
    assert "see them all with -a" in result.stderr
    assert queue.out("ls", "-o", "name", "--limit", "2", "-a").split() == runs[::-1]


def test_launches_are_listed_by_queue_and_state(queue: Program) -> None:
    queue("queue", "create", "p", "-r", "local-process")
    one, two = queue.launch("1"), queue.launch("2", queue="p")
    queue("stop", two)
    assert queue.out("ls", "-q", "q", "-o", "name").split() == [one]
    assert queue.out("ls", "--state", "stopped", "--state", "failed", "-o", "name").split() == [two]
    assert queue("ls", "--queue", "none", code=5).stderr


def test_what_a_queue_has_seen_is_counted_for_those_who_look_at_queues_alone(
    queue: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(queues, "count")  # which takes longer with each launch
    run = queue.launch("1")
    assert queue.out("ls", "-q", "q", "-o", "name").split() == [run]
    queue("move", run, "--to", "q")
    queue("stop", "--all", "-q", "q", "--yes")
    queue("queue", "list", code=70)


def test_a_table_in_a_pipe_is_aligned_and_plain(queue: Program) -> None:
    run = queue.launch("1")
    head, row = queue.out("ls").splitlines()
    assert row.startswith(f"{run}  ")
    assert head.index("REASON") == row.index("no agent is online")
    assert "\x1b" not in head + row


def on_a_terminal(words: Sequence[str], **env: str) -> str:
    """What a command prints when its stdout is a terminal."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "launchkit", *words]
    with subprocess.Popen(
        command, stdout=theirs, env={**os.environ, "TERM": "xterm", **env}
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while data := os.read(ours, 4096):
                shown += data
        except OSError:  # how Linux says that the other end is closed
            os.close(ours)
    assert process.returncode == 0
    return shown.decode()


@pytest.mark.parametrize("words", [("ls",), ("show", "mine")])
def test_a_terminal_gets_colour_unless_it_wants_none(queue: Program, words: Sequence[str]) -> None:
    queue.launch("1", "--name", "mine")
    queue("stop", "mine")
    assert "\x1b[33m" in on_a_terminal(words, COLUMNS="200")
    plain = on_a_terminal(words, COLUMNS="200", NO_COLOR="1")
    assert "\x1b[33m" not in plain
    assert "mine" in plain


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_list_fits_the_terminal_and_no_reason_is_cut(queue: Program, width: int) -> None:
    run = queue.launch("1", "--name", "one-with-a-name-that-takes-room")
    shown = on_a_terminal(("ls",), COLUMNS=str(width), NO_COLOR="1").replace("\r", "")
    assert max(map(len, re.sub(r"\x1b\[\d*m", "", shown).split("\n"))) <= width
    words = " ".join(shown.split())
    assert run in words.replace(" ", "")
    assert "no agent is online for queue q; start one: launchkit agent -q q" in words


def test_a_wide_list_has_all_columns_in_one_line(queue: Program) -> None:
    queue.launch("1")
    shown = on_a_terminal(("ls", "-o", "wide"), COLUMNS="40")
    head, row = shown.replace("\r", "").splitlines()
    assert head == queue.out("ls").splitlines()[0]
    assert row.index("no agent is online for queue q") == head.index("REASON")


def test_who_follows_a_log_is_told_what_the_launch_waits_for(queue: Program) -> None:
    run = queue.launch("print('begun')")
    following = queue.start("logs", "-f", run)
    read_until(following, lambda line: "no agent is online for queue q" in line)
    queue.work()
    assert following.communicate(timeout=PATIENCE)[0].endswith("begun\n")


def test_show_tells_how_a_launch_came_to_its_end(queue: Program) -> None:
    run = queue.launch("print('last words'); raise SystemExit(3)", "--name", "mine")
    assert queue.data("show", run)["resolved"] is None
    assert "Not resolved yet" in queue.out("show", run, "--resolved")
    queue.work()
    data = queue.data("show", "mine")
    assert (data["state"], data["exit_code"], data["verdict"]["code"]) == ("failed", 3, "user_exit")
    first, last = data["events"][0], data["events"][-1]
    assert (first["state"], last["state"]) == ("queued", "failed")
    assert {*first} == {"at", "kind", "actor", "state", "cause", "attempt"}
    shown = queue("show", data["run_id"])
    assert shown.stderr == f"next: launchkit logs {run} · launchkit requeue {run}\n"
    screen = shown.stdout
    assert "exit code  3" in screen
    assert "| last words" in screen
    assert screen.splitlines()[-1].endswith("The program ended with exit code 3.")


def test_what_others_wrote_cannot_steer_the_terminal(queue: Program) -> None:
    queue.launch("1", "--name", "\x1b[2Jmine")
    queue("stop", "\x1b[2Jmine", "--reason", "\x1b]0;owned\x07")
    for words in (("ls",), ("show", "\x1b[2Jmine")):
        assert "\\x1b[2Jmine" in queue.out(*words)
    assert "\\x1b]0;owned\\x07" in queue.out("show", "\x1b[2Jmine")


def test_show_resolved_tells_no_secret_of_the_queue(queue: Program) -> None:
    config = queue.file("c.yaml", "env: {API_KEY: sk-123456}\n")
    queue("queue", "create", "keys", "-r", "local-process", "--config", config)
    run = queue.launch("print(1)", queue="keys")
    queue("agent", "-q", "keys", "--exit-when-idle")
    for words in (("show", run, "--resolved"), ("show", run, "-o", "json")):
        shown = queue.out(*words)
        assert "sk-123456" not in shown
        assert "API_KEY" in shown


def test_show_resolved_tells_what_little_an_agent_has_told() -> None:
    lines = [str(line) for line in resolved_screen({"image": "busybox"})]
    assert any(line.split() == ["image", "busybox", "-"] for line in lines)


def test_show_resolved_tells_who_decided_what(queue: Program) -> None:
    run = queue.launch(
        "print(1)", "-c", '{"overrides": {"run_config": {"lr": 1}}}', "-R", '{"nice": 2}'
    )
    queue.work()
    text = queue.out("show", run, "--resolved")
    decided = {line.split()[0]: line.split()[-1] for line in text.partition("\n\n")[0].splitlines()}
    assert (decided["config.lr"], decided["resource_args.nice"], decided["limits.run"]) == (
        "launch",
        "launch",
        "agent",
    )
    assert text.partition("request\n")[2].startswith("command:\n- ")
    assert queue.data("show", run)["resolved"]["request"]["nice"] == 2


def test_wait_tells_by_its_code_how_launches_ended(queue: Program) -> None:
    good, bad = queue.launch("print(1)"), queue.launch("raise SystemExit(1)")
    queue.work()
    assert queue.data("wait", good, "--timeout", "30")[0]["state"] == "finished"
    assert [one["state"] for one in queue.data("wait", good, bad, code=1)] == ["finished", "failed"]


def test_a_wait_that_takes_too_long_is_code_8(queue: Program) -> None:
    run = queue.launch("print(1)")
    error = queue("wait", run, "--timeout", "0.1", code=8).stderr
    assert error == f"error timed_out  after 0s: {run} is queued\n"


def test_stop_ends_what_waits_and_records_why(queue: Program) -> None:
    one, two = queue.launch("1"), queue.launch("2")
    stopped = queue.data("stop", one, two, "--reason", "not needed")
    assert [item["state"] for item in stopped] == ["stopped", "stopped"]
    assert queue.data("show", one)["events"][-1]["cause"] == "not needed"
    assert "has ended already: stopped" in queue("stop", one).stderr


async def claimed_by_an_agent_that_died(folder: Path) -> None:
    capacity = AgentCapacity(agent="gone", site="there", resources=frozenset({"local-process"}))
    made = StoreBackend(url=f"sqlite:///{folder}/queue.db", entity="default")
    async with site_at(folder / "site") as site, started(made, site) as backend:
        claim = await backend.claim("q", capacity)
        assert claim is not None
        await backend.report(claim, ItemReport(state=ItemState.RUNNING, site="there", ref="there"))
        await backend.leave("gone", dead=True)


def test_what_an_agent_held_that_never_comes_back_is_given_up(queue: Program) -> None:
    run = queue.launch("1")
    assert "no agent has it" in queue("stop", "--give-up", run, code=6).stderr
    anyio.run(claimed_by_an_agent_that_died, queue.folder)
    assert queue.data("stop", run)[0]["state"] == "running"
    assert f"launchkit stop --give-up {run}" in queue.out("ls")
    [ended] = queue.data("stop", "--give-up", run, "--reason", "it burned")
    assert (ended["state"], ended["verdict"]["code"]) == ("failed", "run_lost")
    assert "it burned; agent gone fell silent" in queue.out("show", run)


def test_nothing_is_stopped_if_one_of_them_does_not_exist(queue: Program) -> None:
    run = queue.launch("1")
    queue("stop", run, "none", code=5)
    assert queue.data("show", run)["state"] == "queued"


def test_logs_gives_bytes_as_they_are(queue: Program) -> None:
    run = queue.launch("import sys; sys.stdout.buffer.write(bytes(range(256)))")
    assert "no output: " in queue("logs", run).stderr
    queue.work()
    assert queue("logs", run).stdout_bytes == bytes(range(256))
    assert queue("logs", run, "--attempt", "1", "--follow").stdout_bytes == bytes(range(256))
    assert "has no attempt 2 yet" in queue("logs", run, "--attempt", "2", code=5).stderr


def test_logs_follows_to_the_end(queue: Program) -> None:
    gate = queue.folder / "gate"
    script = WAIT.replace("sys.argv[1]", repr(str(gate)))
    run = queue.launch(f"print('first')\n{script}")
    with (
        queue.start("logs", "-f", run) as follower,
        queue.start("agent", "-q", "q", "-j", "2") as agent,
    ):
        assert follower.stdout
        assert follower.stdout.readline() == "first\n"
        gate.touch()
        assert follower.stdout.read() == "end\n"
        agent.send_signal(signal.SIGTERM)


def test_a_reader_that_has_enough_ends_logs_quietly(queue: Program) -> None:
    run = queue.launch("for n in range(300_000): print(n)")
    queue.work()
    process = queue.start("logs", run)
    assert process.stdout
    assert process.stdout.readline() == "0\n"
    process.stdout.close()
    assert process.stderr
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(PATIENCE) == 0


def test_a_big_log_does_not_fill_the_memory(queue: Program) -> None:
    size = 200 << 20
    run = queue.launch(
        f"import sys\nfor _ in range({size >> 20}): sys.stdout.write('x' * (1 << 20))"
    )
    queue.work()
    limit = 600 << 20

    def frugal() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    process = queue.start("logs", run, preexec_fn=frugal)
    assert process.stdout
    total = 0
    while piece := process.stdout.read(1 << 20):
        total += len(piece)
    assert (process.communicate()[1], process.returncode, total) == ("", 0, size)
