"""Secrets that others can read are told, with the way out, and never shown by that."""

from pathlib import Path

import pytest
from cli.conftest import Program

from launchkit.builtin.http.tokens import wide_token


@pytest.fixture(autouse=True)
def only_what_is_built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other packages find depends on the machine."""
    monkeypatch.setenv("LAUNCHKIT_BLOCK_PLUGINS", "docker,kubernetes")


CONFIG = "env:\n  DB_PASSWORD: hush-hush\n  A: 1\n"


def test_a_secret_in_a_new_config_is_told(program: Program) -> None:
    file = program.file("config.yaml", CONFIG)
    said = program("queue", "create", "q", "-r", "local-process", "--config", file).stderr
    assert "config of queue q: env.DB_PASSWORD: looks like a secret" in said
    assert "policy.macros_from_env" in said
    assert "hush-hush" not in said


def test_a_secret_that_a_change_brings_is_told(queue: Program) -> None:
    file = queue.file("config.yaml", CONFIG)
    said = queue("queue", "edit", "q", "--config", file).stderr
    assert "config of queue q: env.DB_PASSWORD: looks like a secret" in said


def test_a_secret_in_a_file_of_queues_is_told(program: Program) -> None:
    file = program.file(
        "queues.yaml", "name: q\nresource: local-process\nconfig: {env: {TOKEN: hush-hush}}\n"
    )
    assert "env.TOKEN: looks like a secret" in program("apply", "-f", file).stderr


def test_no_secret_is_told_of_what_the_agent_fills_in(program: Program) -> None:
    file = program.file("config.yaml", 'env: {DB_PASSWORD: "${DB_PASSWORD}", TOKEN: null}\n')
    said = program("queue", "create", "q", "-r", "local-process", "--config", file).stderr
    assert "secret" not in said


def test_doctor_tells_of_a_secret_in_a_queue(program: Program) -> None:
    file = program.file("config.yaml", CONFIG)
    program("queue", "create", "q", "-r", "local-process", "--config", file)
    settings = program.file("c.yaml", "queues: [q]\n")
    found = {row["subject"]: row for row in program.data("--config", settings, "doctor")}
    assert found["config of queue q"]["level"] == "warning"
    assert "env.DB_PASSWORD" in found["config of queue q"]["message"]


@pytest.mark.parametrize(
    ("mode", "text", "told"),
    [
        (0o644, "queues: [q]\n", None),
        (0o600, "backend: {type: http, url: 'http://127.0.0.1:9', token: hush-hush}\n", None),
        (0o644, "backend: {type: http, url: 'http://127.0.0.1:9', token: hush-hush}\n", "token"),
        (0o666, "queues: [q]\n", "may change"),
    ],
)
def test_doctor_tells_of_settings_that_everybody_may_use(
    queue: Program, mode: int, text: str, told: str | None
) -> None:
    path = Path(queue.file("launch-config.yaml", text))
    path.chmod(mode)
    result = queue("--config", str(path), "doctor", "-o", "json")
    assert ("open to every user" in result.stdout or "may change" in result.stdout) is bool(told)
    assert told is None or told in result.stdout
    assert "hush-hush" not in result.stdout


def test_a_file_with_a_token_that_everybody_may_read_is_told(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("lk_1\n")
    file.chmod(0o600)
    assert wide_token(file, {}) is None
    file.chmod(0o604)
    for named, environ in ((file, {}), (None, {"LAUNCHKIT_TOKEN_FILE": str(file)})):
        found = wide_token(named, environ)
        assert found
        assert found.hint == f"chmod 600 {file}"
        assert "lk_1" not in str(found)
    assert wide_token(file, {"LAUNCHKIT_TOKEN": "lk_2"}) is None
    assert wide_token(None, {"HOME": str(tmp_path)}) is None


def test_settings_that_everybody_may_put_others_in_place_of_are_told(queue: Program) -> None:
    folder = queue.folder / "open"
    folder.mkdir()
    path = folder / "launch-config.yaml"
    path.write_text("queues: [q]\n")
    path.chmod(0o600)
    told = f"in the place of {path}"
    assert told not in queue("--config", str(path), "doctor", "-o", "json").stdout
    folder.chmod(0o777)
    assert told in queue("--config", str(path), "doctor", "-o", "json").stdout


def test_a_file_with_a_token_that_everybody_may_replace_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "open" / "deep"
    folder.mkdir(parents=True)
    file = folder / "token"
    file.write_text("lk_1\n")
    file.chmod(0o600)
    assert wide_token(file, {}) is None
    folder.parent.chmod(0o777)
    found = wide_token(file, {})
    assert found
    assert found.hint == f"chmod o-w {folder.parent}"
