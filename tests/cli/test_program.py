"""The program as a whole: start-up, help, errors and exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from cli.conftest import Program
from waiting import PATIENCE

from launchkit import __version__
from launchkit.cli import COMMANDS, cli

HEAVY = {"pydantic", "rich", "pluggy", "anyio", "asyncio", "yaml", "sqlite3", "httpx"}
PLUGIN = """
import click
from launchkit import hookimpl

@click.command()
def hello():
    "Greet."
    click.echo("hello from a plugin")

@click.command()
def crash():
    raise RuntimeError("boom")

@hookimpl
def launchkit_commands(group):
    group.add_command(hello)
    group.add_command(crash)
"""


@pytest.fixture
def plugin(tmp_path: Path) -> dict[str, str]:
    """The environment of a process in which a distribution with a plugin is installed."""
    site = tmp_path / "site"
    info = site / "greeter-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "greeter.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: greeter\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[launchkit]\ngreeter = greeter\n")
    return {**os.environ, "PYTHONPATH": str(site)}


def ended(program: Program, *words: str, env: dict[str, str]) -> tuple[int, str, str]:
    process = program.start(*words, env=env)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_version_and_help_load_nothing_heavy(flag: str) -> None:
    code = (
        "import sys\nfrom launchkit.cli import main\nsys.argv = ['launchkit', sys.argv[1]]\n"
        "try: main()\nfinally: print(*sys.modules, sep='\\n', file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, flag], capture_output=True, text=True, check=True
    )
    assert not {name.partition(".")[0] for name in done.stderr.splitlines()} & HEAVY
    assert done.stdout


def test_version_is_the_distributions(program: Program) -> None:
    assert __version__ in program.out("--version")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_line_in_the_list_is_the_one_of_its_own_help(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    about = COMMANDS[name][1].rstrip(".")
    assert (command.help or "").partition("\n")[0].rstrip(".").startswith(about)


def test_the_help_lists_commands_and_exit_codes(program: Program) -> None:
    text = program.out("--help")
    assert all(f"  {name} " in text for name in COMMANDS)
    assert all(f"{code}  " in text for code in (0, 1, 2, 3, 4, 5, 6, 7, 8, 70, 71, 130))


def test_a_command_that_is_nearly_right_is_suggested(program: Program) -> None:
    assert "Did you mean 'queue'?" in program("queeu", code=2).stderr
    assert "Did you mean 'show'?" in program("status", code=2).stderr
    assert "Did you mean 'stop'?" in program("cancel", "x", code=2).stderr
    assert "no such command 'zzz'." in program("zzz", code=2).stderr


def test_a_plugin_adds_commands(program: Program, plugin: dict[str, str]) -> None:
    assert ended(program, "hello", env=plugin) == (0, "hello from a plugin\n", "")
    code, out, err = ended(program, "plugins", env=plugin)
    assert (code, err) == (0, "commands of plugins: crash, hello, server\n")
    assert "greeter" in out


def test_a_fault_is_one_line_and_code_70(program: Program, plugin: dict[str, str]) -> None:
    code, _, err = ended(program, "crash", env=plugin)
    assert code == 70
    assert err.splitlines()[0] == "error internal  RuntimeError: boom"
    assert "Traceback" not in err


@pytest.mark.parametrize("words", [("-v", "crash"), ("crash",)])
def test_a_fault_shows_where_it_is_from_if_asked(
    program: Program, plugin: dict[str, str], words: tuple[str, ...]
) -> None:
    env = plugin if "-v" in words else {**plugin, "LAUNCHKIT_DEBUG": "1"}
    code, _, err = ended(program, *words, env=env)
    assert code == 70
    assert "Traceback" in err
    assert "greeter.py" in err


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("ls", "--limit", "0"), 2, "--limit"),
        (("launch", "-q", "q"), 2, "name one source"),
        (("launch", "-q", "q", "-d", "img", "--name", "\udcff"), 2, "is not UTF-8 text"),
        (("queue", "create", "b", "-r", "x", "--config", "no.yaml"), 3, "no.yaml: cannot be read"),
        (("queue", "create", "b", "-r", "x", "--config", "."), 3, "is a directory"),
        (("queue", "create", "bad name", "-r", "local-process"), 3, "queue name 'bad name'"),
        (("--config", "no.yaml", "ls"), 3, "there is no such configuration file"),
        (("--backend", "mysql://x", "ls"), 3, "there is no hub 'mysql'"),
        (("launch", "-q", "q", "-d", "img"), 4, "cannot run the image img"),
        (("show", "nothing"), 5, "there is no launch 'nothing'"),
        (("launch", "-q", "nothing", "-d", "img"), 5, "there is no queue 'nothing'"),
        (("queue", "create", "q", "-r", "local-process"), 6, "there is a queue 'q' already"),
    ],
)
def test_a_users_mistake_is_a_line_with_its_exit_code(
    queue: Program, words: tuple[str, ...], code: int, text: str
) -> None:
    result = queue(*words, code=code)
    assert text in result.stderr
    assert "Traceback" not in result.stderr
    assert not result.stdout


def test_a_queue_that_cannot_be_reached_is_code_7(program: Program) -> None:
    process = program.start("--backend", "sqlite:////proc/nothing/x.db", "launch", "-d", "x")
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err[:17]) == (7, "error unreachable")


def test_an_error_has_a_code_and_says_what_to_do_next(queue: Program) -> None:
    lines = queue("queue", "show", "p", code=5).stderr.splitlines()
    assert lines[0] == "error not_found  there is no queue 'p' of default; there are: q"
    assert lines[1].startswith("  hint: make it with: launchkit queue create --resource")


@pytest.mark.parametrize(
    "words",
    [
        ("--backend", "sqlite:///other.db", "--entity", "me", "queue", "list"),
        ("queue", "list", "--backend", "sqlite:///other.db", "--entity", "me"),
        (
            "--backend",
            "sqlite:///no.db",
            "queue",
            "list",
            "--backend",
            "sqlite:///other.db",
            "-e",
            "me",
        ),
    ],
)
def test_backend_and_entity_stand_before_or_after_the_command(
    program: Program, words: tuple[str, ...]
) -> None:
    program(
        "queue", "create", "q", "-r", "local-process", "--backend", "sqlite:///other.db", "-e", "me"
    )
    assert [one["entity"] for one in program.data(*words)] == ["me"]


def test_quiet_leaves_data_and_errors(program: Program) -> None:
    result = program("--quiet", "queue", "create", "q", "-r", "local-process", "-o", "name")
    assert (result.stdout, result.stderr) == ("q\n", "")
    assert program("--quiet", "queue", "show", "p", code=5).stderr
