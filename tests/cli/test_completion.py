"""Shell completion, as a shell asks for it: in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli.conftest import Program
from waiting import PATIENCE

# somebody who types waits for a fifth of a second, a busy test machine for longer
PATIENT = "import launchkit.cli.names as n; n.BUDGET_SECONDS = 20; "


def completed(line: str, *, first: str = PATIENT, **env: str) -> list[str]:
    """What bash would offer for the last word of *line*."""
    words = line.split(" ")
    asked = {
        **os.environ,
        "_LAUNCHKIT_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        **env,
    }
    script = f"{first}from launchkit.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=asked,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.stderr == ""
    return [row.partition(",")[2] for row in done.stdout.splitlines() if row]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(program: Program, shell: str) -> None:
    script = program.out("completion", shell)
    assert f"_LAUNCHKIT_COMPLETE={shell}_complete" in script
    assert f"launchkit completion {shell}" in " ".join(program.out("completion", "-h").split())


def test_bash_accepts_its_script(program: Program) -> None:
    script = program.out("completion", "bash")
    asked = f"{script}\ncomplete -p launchkit"
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    assert "_launchkit_completion" in done.stdout


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("launchkit que", ["queue"]),
        ("launchkit queue p", ["parse", "pause"]),
        ("launchkit stop --dry", ["--dry-run"]),
        ("launchkit ls --state st", ["starting", "stopped"]),
    ],
)
def test_commands_and_options_are_completed(line: str, offered: list[str]) -> None:
    assert completed(line) == offered


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("launchkit queue show ", ["gpu", "q"]),
        ("launchkit launch -q g", ["gpu"]),
        ("launchkit launch -j ", ["hello"]),
        ("launchkit launch -j hello:", ["hello:v0", "hello:latest"]),
        ("launchkit show my-", ["my-job"]),  # ids, which are made at random, have no dash
        ("launchkit stop other my-", ["my-job"]),
    ],
)
def test_names_of_the_queue_are_completed(queue: Program, line: str, offered: list[str]) -> None:
    queue("queue", "create", "gpu", "-r", "local-process")
    queue("job", "create", "code", queue.code("1"), "-E", "python train.py", "-n", "hello")
    queue.launch("1", "--name", "my-job")
    assert completed(line) == offered


def test_launches_are_offered_by_id_and_agents_by_name(queue: Program) -> None:
    run = queue.launch("1")
    assert completed(f"launchkit logs {run[:4]}") == [run]
    with queue.start("agent", "-q", "q") as agent:
        while not (seen := queue.data("agents")):
            assert agent.poll() is None
        assert completed("launchkit ls --agent ") == [seen[0]["name"]]
        agent.terminate()
        agent.communicate()


HEEDED = (
    *("zz$(touch${IFS}x)", "zz`touch x`", "zz;touch x", "zz&touch", "zz|touch", "zz>x", "zz x"),
    *("zz*", "zz\\x", "zz'x", 'zz"x', "zz#x", "zz!x", "zz{a,b}", "zz\u3164"),
    *("--all", "=touch", "%1", "~root"),
)


def test_a_name_that_a_shell_would_heed_is_not_offered(queue: Program) -> None:
    """A shell puts what it is offered into the line as it is, where Enter runs it."""
    for name in (*HEEDED, "zz-größe_1.2:v3/a@b+c"):
        queue.launch("1", "--name", name)
    for begun in ("", *{name[:1] for name in HEEDED}):
        assert {*HEEDED}.isdisjoint(completed(f"launchkit show {begun}"))
    assert completed("launchkit show zz") == ["zz-größe_1.2:v3/a@b+c"]


def test_a_queue_that_does_not_exist_is_not_made(program: Program) -> None:
    assert completed("launchkit queue show ") == []
    assert list(program.folder.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["sqlite:///{folder}/broken.db", "nothing://x", "postgresql://127.0.0.1:1/none"]
)
def test_a_queue_that_cannot_be_opened_completes_nothing_silently(
    program: Program, url: str
) -> None:
    program.file("broken.db", "this is no database")
    backend = url.format(folder=program.folder)
    assert completed("launchkit queue show ", first="", LAUNCHKIT_BACKEND=backend) == []


def test_settings_that_are_wrong_complete_nothing_silently(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("{")
    assert completed("launchkit show ", LAUNCHKIT_CONFIG=str(tmp_path / "wrong.yaml")) == []


def test_a_queue_that_does_not_answer_in_time_is_not_waited_for(queue: Program) -> None:
    impatient = "import launchkit.cli.names as n; n.BUDGET_SECONDS = 0; "
    assert completed("launchkit queue show ", first=impatient) == []
