"""Settings and plugins from the command line."""

from pathlib import Path

import pytest
import yaml
from cli.conftest import Program

FILE = "entity: team\nqueues: [a, b]\nmax_jobs: 3\nrunners: {local-process: {keep: true}}\n"


def test_show_tells_where_each_value_is_from(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = program.file("c.yaml", FILE)
    monkeypatch.setenv("LAUNCHKIT_MAX_JOBS", "5")
    rows = program.data("--config", config, "config", "show", "--origin", "-e", "me")
    found = {row["key"]: (row["value"], row["origin"]) for row in rows}
    assert found["queues"] == (["a", "b"], f"{config}:2")
    assert found["max_jobs"] == (5, "$LAUNCHKIT_MAX_JOBS")
    assert found["entity"] == ("me", "--entity")
    assert found["runners.local-process.keep"] == (True, f"{config}:4")
    assert found["lease_seconds"] == (30.0, "default")
    assert "$LAUNCHKIT_MAX_JOBS" in program.out("--config", config, "config", "show", "--origin")


def test_the_file_may_be_named_in_the_environment(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAUNCHKIT_CONFIG", program.file("c.yaml", FILE))
    settings = program.data("config", "show")
    assert (settings["entity"], settings["max_jobs"]) == ("team", 3)
    assert yaml.safe_load(program.out("config", "show", "-o", "yaml")) == settings
    assert "entity" in program.out("config", "show")


def test_a_password_in_the_backends_address_is_not_shown(program: Program) -> None:
    words = ("config", "show", "--backend", "postgresql://me:secret@host/db")
    for more in ((), ("--origin",), ("-o", "json"), ("-o", "yaml"), ("--origin", "-o", "jsonl")):
        assert "secret" not in program.out(*words, *more)


def test_check_loads_the_file_and_opens_the_queue(queue: Program) -> None:
    config = queue.file("c.yaml", "queue: q\n")
    said = queue("--config", config, "config", "check").stderr
    assert "warning: " in said
    assert f"settings: {config}\n" in said
    assert "1 queues of default\nok\n" in said


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("entity: [", "c.yaml:1: not valid YAML"),
        ("max_jobs: many", "c.yaml:1: max_jobs"),
        ("builder: {type: docker, kaniko-image: x}", "c.yaml:1: builder.kaniko-image: unknown"),
        ("runners:\n  docker: {typo: 1}", "c.yaml:2: runners.docker.typo: unknown key"),
        ("backend: mysql://x", "there is no queue backend 'mysql'"),
    ],
)
def test_check_says_what_is_wrong(
    program: Program, monkeypatch: pytest.MonkeyPatch, text: str, problem: str
) -> None:
    monkeypatch.delenv("LAUNCHKIT_BACKEND")
    config = program.file("c.yaml", text)
    assert problem in program("--config", config, "config", "check", code=3).stderr


def test_check_notes_what_is_not_installed_and_accepts_it(program: Program, moon: None) -> None:
    config = program.file("c.yaml", "environment:\n  type: moon\n")
    said = program("--config", config, "config", "check").stderr
    assert "c.yaml:2: environment.type: environment 'moon' is not installed" in said
    assert "launchkit-moon provides it" in said
    assert said.endswith("ok\n")


def test_the_schema_is_json_schema(program: Program) -> None:
    assert yaml.safe_load(program.out("config", "schema"))["title"] == "launch-config.yaml"


def test_plugins_are_listed_with_what_they_provide(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAUNCHKIT_BLOCK_PLUGINS", "noop")
    found = {one["name"]: one for one in program.data("plugins")}
    assert found["store"]["kinds"] == ["queue backend sqlite", "hub sqlite"]
    assert (found["noop"]["error"], found["store"]["source"]) == ("blocked", "built-in")
    others = ["postgresql", "postgres"]
    assert found["store"]["aliases"] == {"queue backend sqlite": others, "hub sqlite": others}
    table = program.out("plugins")
    assert "runner local-process" in table
    assert "hub sqlite (postgresql, postgres)" in table


def test_a_directory_is_no_configuration_file(program: Program) -> None:
    result = program("--config", str(program.folder), "config", "check", code=3)
    assert "is a directory; name the file in it" in result.stderr


@pytest.mark.parametrize(
    ("text", "words", "told"),
    [
        ("backend: sqlite:////there/queue.db", (), True),
        ("entity: vision", (), True),
        ("entity: vision", ("-e", "mine"), False),
        ("max_jobs: 2", (), False),
        ("backend: [", (), True),
    ],
)
def test_a_file_that_lies_here_unread_is_told_where_it_would_choose_another_queue(
    text: str,
    words: tuple[str, ...],
    told: bool,
    program: Program,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LAUNCHKIT_BACKEND")
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in ("LAUNCHKIT_CONFIG", "LAUNCHKIT_ENTITY", "WANDB_ENTITY"):
        monkeypatch.delenv(name, raising=False)
    program.file("launch-config.yaml", text)
    assert ("launch-config.yaml is not read" in program("ls", *words).stderr) == told
