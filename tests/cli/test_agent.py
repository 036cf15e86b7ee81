"""`launchkit agent`: a real process that gets real signals."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from cli.conftest import WAIT, Program, read_until
from waiting import PATIENCE

from launchkit import connect
from launchkit.model import ItemState

STUCK = """
from dataclasses import dataclass
import anyio
from launchkit import hookimpl
from launchkit.abc import Runner

@dataclass(kw_only=True)
class Stuck(Runner):
    kind, needs_image = "stuck", False
    async def start(self, stack, site):
        with anyio.CancelScope(shield=True):
            await anyio.sleep_forever()
    async def submit(self, submission): ...

@hookimpl
def launchkit_runners():
    return [Stuck]
"""
HASTY = """
from launchkit.cli import agent, main
agent.FORCE_SECONDS = GIVEN
main()
"""


def running(queue: Program) -> tuple["subprocess.Popen[str]", Path, str]:
    """An agent with a run that goes on until a file is there."""
    gate = queue.folder / "gate"
    run = queue.launch(WAIT.replace("sys.argv[1]", repr(str(gate))))
    agent = queue.start("agent", "-q", "q")
    read_until(agent, lambda line: "1 of 1 under way" in line)
    anyio.run(_until_running, run)
    return agent, gate, run


async def _until_running(run: str) -> None:
    async with connect() as client:
        await (await client.launched(run)).wait_until(ItemState.RUNNING, timeout=PATIENCE)


def test_an_agent_runs_what_waits_and_ends_when_idle(queue: Program) -> None:
    run = queue.launch("print(1)")
    said = queue("agent", "-q", "q", "--exit-when-idle", "--log-format", "human").stderr
    assert queue.data("show", run)["state"] == "finished"
    first, *rest = said.splitlines()
    assert "agent " in first
    assert f"serves q, at most 1 at once; backend sqlite:///{queue.folder}/queue.db" in first
    assert "INFO    1 of 1 under way" in "\n".join(rest)


SEEN = """\
import os, sqlite3, time
queue = sqlite3.connect({!r})
own = (os.environ["LAUNCHKIT_ITEM_ID"],)
while queue.execute("select state from item where id = ?", own).fetchone() != ("running",):
    time.sleep(0.02)
"""
"""A program that goes on once its agent has told that it runs."""


def test_the_log_of_an_agent_tells_what_it_ran_and_how_it_ended(queue: Program) -> None:
    seen = SEEN.format(str(queue.folder / "queue.db"))
    queue.launch(f"{seen}print(1)", "--name", "first")
    broken = queue.launch(f"{seen}raise SystemExit(2)", "--name", "broken")
    said = queue("agent", "-q", "q", "--exit-when-idle", "--log-format", "human").stderr
    told = [line.partition("INFO    ")[2] for line in said.splitlines()]
    assert [line for line in told if line.startswith(("first", "broken"))] == [
        "first started (q)",
        "first finished",
        "broken started (q)",
        f"broken failed: user_exit, exit code 2; launchkit show {broken}",
    ]


@pytest.mark.reported("F21")
def test_an_agent_that_inherits_an_ignored_sigchld_sees_how_git_ends(
    queue: Program, repository: str
) -> None:
    entry = f"{sys.executable} train.py"
    run = queue.out("launch", "-q", "q", "-u", repository, "-E", entry, "-o", "name").strip()
    start = (
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN);"
        "os.execv(sys.executable, [sys.executable, '-m', 'launchkit', *sys.argv[1:]])"
    )
    command = [sys.executable, "-c", start, "agent", "-q", "q", "--exit-when-idle"]
    subprocess.run(command, cwd=queue.folder, check=True, timeout=PATIENCE, capture_output=True)
    assert queue.data("show", run)["state"] == "finished"


def test_nobody_else_can_enter_what_an_agent_makes_whatever_the_umask_is(queue: Program) -> None:
    before = os.umask(0)
    try:
        queue.launch("print(1)")
        queue.work("-l", "agent.log")
    finally:
        os.umask(before)
    assert Path("agent.log").stat().st_mode & 0o777 == 0o600
    made = [path for path in Path(os.environ["HOME"]).iterdir() if path.is_dir()]
    assert {path.name for path in made} >= {"state", "cache"}
    assert [path for path in made if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_lets_runs_end(queue: Program, number: signal.Signals) -> None:
    agent, gate, run = running(queue)
    agent.send_signal(number)
    read_until(agent, lambda line: "draining: 1 under way" in line)
    gate.touch()
    agent.communicate(timeout=PATIENCE)
    assert (agent.returncode, queue.data("show", run)["state"]) == (0, "finished")


def test_the_second_signal_leaves_runs_to_the_next_agent(queue: Program) -> None:
    agent, gate, run = running(queue)
    for _ in range(2):
        agent.send_signal(signal.SIGTERM)
        read_until(agent, lambda line: "stopping" in line)
    agent.communicate(timeout=PATIENCE)
    assert (agent.returncode, queue.data("show", run)["state"]) == (130, "running")
    gate.touch()
    queue.work()
    assert queue.data("show", run)["state"] == "finished"


@pytest.mark.parametrize(("seconds", "signals"), [(0.1, 2), (45, 3)])
def test_a_plugin_that_shields_a_wait_for_ever_keeps_no_agent(
    queue: Program, seconds: float, signals: int
) -> None:
    queue.file("stuck-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: stuck\nVersion: 1.0\n")
    queue.file("stuck-1.0.dist-info/entry_points.txt", "[launchkit]\nstuck = stuck\n")
    queue.file("stuck.py", STUCK)
    queue("queue", "create", "stuck", "-r", "stuck", "--allow-unknown")
    queue.launch("print(1)", queue="stuck")
    script = queue.file("main.py", HASTY.replace("GIVEN", str(seconds)))
    command = [sys.executable, script, "agent", "-q", "stuck"]
    env = {**os.environ, "PYTHONPATH": str(queue.folder)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=env, text=True, stdout=pipe, stderr=pipe) as agent:
        read_until(agent, lambda line: "1 of 1 under way" in line)
        for _ in range(signals):
            agent.send_signal(signal.SIGINT)
            read_until(agent, lambda line: "stopping" in line or "as if it were killed" in line)
        agent.communicate(timeout=PATIENCE)
    assert agent.returncode == 130


def test_a_stop_without_grace_is_a_wish_of_its_own(queue: Program) -> None:
    agent, _, run = running(queue)
    for _ in range(2):
        agent.send_signal(signal.SIGTERM)
        read_until(agent, lambda line: "stopping" in line)
    agent.communicate(timeout=PATIENCE)
    queue("stop", run, "--reason", "wrong data")
    queue("stop", run, "--now")
    queue.work()
    ended = queue.data("show", run)
    wishes = [event["cause"] for event in ended["events"] if event["kind"] == "stop"]
    assert wishes == ["wrong data", "stop requested, at once"]
    assert (ended["state"], ended["exit_code"]) == ("stopped", 128 + signal.SIGKILL)


def test_agents_are_listed_while_they_are_there(queue: Program) -> None:
    agent, gate, _ = running(queue)
    (listed,) = queue.data("agents")
    assert (listed["online"], listed["queues"], listed["pid"]) == (True, ["q"], agent.pid)
    assert listed["name"] in queue.out("agents")
    gate.touch()
    agent.send_signal(signal.SIGTERM)
    agent.communicate(timeout=PATIENCE)
    assert queue.data("agents") == []


@pytest.mark.parametrize(
    ("flags", "words"),
    [((), {"INFO    waits for"}), (("-v",), {"claimed"}), (("-vv",), {"DEBUG", "claimed"})],
)
def test_verbose_says_more(queue: Program, flags: tuple[str, ...], words: set[str]) -> None:
    queue.launch("print(1)")
    command = ("agent", "-q", "q", "--exit-when-idle", "--log-format", "human")
    said = queue(*command, *flags).stderr
    assert all(word in said for word in words)
    assert ("DEBUG" in said) == (flags == ("-vv",))


@pytest.mark.parametrize("place", ["agent.log", "-"])
def test_the_log_goes_where_it_is_wanted(queue: Program, place: str) -> None:
    result = queue("agent", "-q", "q", "--exit-when-idle", "-l", place)
    text = result.stdout if place == "-" else Path(place).read_text()
    assert "serves q" in text
    assert not result.stderr


def test_a_file_configures_an_agent_and_flags_change_it(queue: Program) -> None:
    config = queue.file("agent.yaml", "queue: none\nqueues: [nothing]\nmax_jobs: 7\n")
    words = ("agent", "-c", config, "-q", "q", "--exit-when-idle")
    said = queue(*words).stderr
    assert "WARNING" in said.splitlines()[0]
    assert "agent.yaml:1: queue: read as one more of `queues`" in said
    assert "serves q, at most 7 at once" in said
    assert "at most 2 at once" in queue(*words, "-j", "2").stderr
    assert "without limit" in queue("--config", config, *words[:1], *words[3:], "-j", "-1").stderr


@pytest.mark.parametrize(
    ("text", "words", "code", "problem"),
    [
        (
            "builder: {type: noop}\nenvironment: {type: moon}",
            (),
            3,
            "pip install launchkit-moon",
        ),
        ("", ("-q", "none"), 5, "there is no queue 'none'"),
        ("", ("-j", "-2"), 3, "--max-jobs: max_jobs: must be a whole number, or -1"),
        ("queues: []", (), 3, "no queues"),
        ("max_jobz: 1", (), 3, "a.yaml:1: max_jobz: unknown key; did you mean 'max_jobs'?"),
        ("", ("-q", "q", "-l", "."), 3, "--log-file .: cannot be written: Is a directory"),
    ],
)
def test_what_an_agent_cannot_start_with_is_said(
    queue: Program, moon: None, text: str, words: tuple[str, ...], code: int, problem: str
) -> None:
    config = queue.file("a.yaml", text)
    queues = () if "queues" in text or "-q" in words else ("-q", "q")
    assert problem in queue("agent", "-c", config, *queues, *words, code=code).stderr
