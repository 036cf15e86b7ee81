"""A plugin of a distribution of its own, which is built into a wheel, installed, and used."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import Any
from zipfile import ZipFile

import pytest

MOON = Path(__file__).parent / "moon"
CONFIG = """\
queues: [moon]
environment: {{type: moon}}
builder:
  type: moon
  destination: https://sea.crater.example/jobs
  dust-filter: coarse
runners:
  luna: {{base: {base}}}
policy:
  moon_hours: 3
"""
Program = Callable[..., str]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for the interpreter's path, in which the wheel is."""
    place = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    subprocess.run(build, cwd=MOON, check=True, stdout=PIPE)
    [wheel] = place.glob("*.whl")
    ZipFile(wheel).extractall(place / "site")
    return place / "site"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    base = tmp_path / "base"
    base.mkdir()
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG.format(base=base))
    return path


@pytest.fixture
def program(installed: Path, config: Path, tmp_path: Path) -> Program:
    """Runs launchkit where the plugin is installed; gives what it prints."""
    env = {
        **os.environ,
        "PYTHONPATH": str(installed),
        "LAUNCHKIT_BACKEND": f"sqlite:///{tmp_path}/queue.db",
        "LAUNCHKIT_CONFIG": str(config),
        "LAUNCHKIT_BLOCK_PLUGINS": "docker",
        "COLUMNS": "1000",
    }

    def run(*words: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "launchkit", *words]
        errors = PIPE if "json" in words else STDOUT  # in which plugins may log what they try
        done = subprocess.run(
            command, cwd=tmp_path, env=env, stdout=PIPE, stderr=errors, text=True, check=False
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    return run


def launch(program: Program, tmp_path: Path, name: str, queue: str, **args: object) -> None:
    code = tmp_path / "code"
    code.mkdir(exist_ok=True)
    (code / "run.sh").write_text("echo on this machine\n")
    more = ["-R", json.dumps(args)] if args else []
    entry = "sh run.sh" if queue == "here" else "sh -c 'echo $IMAGE'"
    program("launch", "--name", name, "-q", queue, "-u", str(code), "-E", entry, *more)


def findings(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(text)
    return found


def test_a_launch_is_built_and_run_by_what_nobody_knew(program: Program, tmp_path: Path) -> None:
    assert "launchkit-moon" in program("plugins")
    assert "hours" in program("queue", "template", "luna")
    program("config", "check")
    program("queue", "create", "moon", "--resource", "luna")
    launch(program, tmp_path, "first", "moon")
    program("agent", "--exit-when-idle")
    program("wait", "first")
    lines = program("logs", "first").splitlines()
    assert lines[-1] == "sea.crater.example/jobs:coarse"
    assert "lifting off" in lines


def test_what_its_policy_forbids_ends_as_rejected(program: Program, tmp_path: Path) -> None:
    program("queue", "create", "moon", "--resource", "moon")
    launch(program, tmp_path, "long", "moon", hours=4)
    program("agent", "--exit-when-idle")
    program("wait", "long", code=1)
    assert "more than policy.moon_hours (3)" in program("show", "long")


def test_a_key_that_its_builder_does_not_know_is_told_with_its_place(
    program: Program, config: Path
) -> None:
    config.write_text(config.read_text().replace("dust-filter", "dust-fitler"))
    told = program("config", "check", code=3)
    assert "c.yaml:6: builder.dust-fitler: unknown key; did you mean" in told


@pytest.mark.parametrize(
    ("queues", "code", "errors"), [("[here]", 0, []), ("[here, moon]", 1, ["queue moon"])]
)
def test_a_setting_that_it_needs_is_told_by_the_doctor_once(
    program: Program, config: Path, queues: str, code: int, errors: list[str]
) -> None:
    config.write_text(f"queues: {queues}\nbuilder: {{type: noop}}\n")
    program("queue", "create", "here", "--resource", "local-process")
    program("queue", "create", "moon", "--resource", "moon")
    rows = findings(program("doctor", "-o", "json", code=code))
    assert [row["subject"] for row in rows if row["level"] == "error"] == errors
    told = [row["message"] for row in rows if "base" in row["message"]]
    assert told == ["runners.moon.base: this key is required"]


def test_agents_of_other_kinds_work_where_it_is_not_configured(
    program: Program, config: Path, tmp_path: Path
) -> None:
    config.write_text("queues: [here, moon]\nbuilder: {type: noop}\n")
    program("queue", "create", "here", "--resource", "local-process")
    program("queue", "create", "moon", "--resource", "moon")
    launch(program, tmp_path, "other", "here")
    program("launch", "--name", "waits", "-q", "moon", "-d", "img", "-E", "true")
    program("agent", "--exit-when-idle")
    program("wait", "other")
    assert program("logs", "other").splitlines()[-1] == "on this machine"
    assert "queued" in program("show", "waits")


def test_the_agent_and_the_doctor_tell_of_a_setting_in_the_same_words(
    program: Program, config: Path
) -> None:
    config.write_text("queues: [moon]\nbuilder: {type: noop}\nrunners:\n  luna: {bsae: /north}\n")
    program("queue", "create", "moon", "--resource", "moon")
    program("launch", "--name", "waits", "-q", "moon", "-d", "img", "-E", "true")
    said = program("agent", "--exit-when-idle")
    rows = findings(program("doctor", "-o", "json", code=1))
    [told] = [row["message"] for row in rows if row["subject"] == "runner moon"]
    assert "c.yaml:4: runners.luna.bsae: unknown key; did you mean 'base'?" in told
    assert f"queue moon waits: runner moon: {told.splitlines()[0]}" in said
    assert all(line in said for line in told.splitlines())
