"""Secrets that others can read are told, with the way out, and never shown by that."""

import json
from pathlib import Path

import pytest
from cli.conftest import Program

from launchkit.builtin.git_logins import login_files
from launchkit.builtin.http.tokens import token_place, tokens_file
from launchkit.wide_files import CLUSTERS_OWN, wide_secrets


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


def test_a_secret_among_the_variables_of_a_new_queue_is_told(program: Program) -> None:
    files = {
        "--config": program.file("config.yaml", 'env: {API_TOKEN: "{{which}}"}'),
        "--template-variables": program.file("v.yaml", "which: {type: string, default: hush-9}"),
    }
    words = [word for pair in files.items() for word in pair]
    said = program("queue", "create", "q", "-r", "local-process", *words).stderr
    assert "config of queue q: default of variable which: looks like a secret" in said
    assert "hush-9" not in said


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


@pytest.mark.parametrize(
    ("mode", "text", "told"),
    [
        (0o666, "token: [hush-hush\n", "may change"),
        (0o666, "nonsense: 1\ntoken: hush-hush\n", "may change"),
        (0o644, "nonsense: 1\ntoken: hush-hush\n", "a secret: token"),
        (0o644, "token: [hush-hush\n", "may hold secrets"),
    ],
)
def test_doctor_tells_so_of_settings_with_an_error(
    program: Program, mode: int, text: str, told: str
) -> None:
    path = Path(program.file("launch-config.yaml", text))
    path.chmod(mode)
    rows = json.loads(program("--config", str(path), "doctor", "-o", "json", code=1).stdout)
    found = {row["level"]: row["message"] for row in rows if row["subject"] == "settings"}
    assert told in found["warning"]
    assert "error" in found
    assert "hush-hush" not in found["warning"]


@pytest.fixture
def token(program: Program) -> Path:
    file = Path(program.file("kept/deep/token", "lk_hush"))
    file.chmod(0o600)
    return file


@pytest.fixture
def no_backend(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings say which one."""
    monkeypatch.delenv("LAUNCHKIT_BACKEND")


def told(program: Program, *, code: int = 1, **settings: object) -> dict[str, str | None]:
    """What doctor warns of, and what it says is to be done."""
    config = program.file("c.yaml", json.dumps({"queues": ["q"], **settings}))
    result = program("--config", config, "doctor", "-o", "json", code=code)
    assert "hush" not in result.stdout
    rows = json.loads(result.stdout)
    return {row["message"]: row["hint"] for row in rows if row["level"] == "warning"}


@pytest.mark.usefixtures("no_backend")
def test_a_file_with_a_token_that_everybody_may_read_is_told(program: Program, token: Path) -> None:
    backend = {"url": "http://127.0.0.1:9", "token-file": str(token)}
    assert f"chmod 600 {token}" not in told(program, backend=backend).values()
    token.chmod(0o604)
    found = told(program, backend=backend)
    message = f"{token} is open to every user of this machine (mode 0604): it holds a token"
    assert found[message] == f"chmod 600 {token}"


def test_the_place_of_a_token_is_the_one_that_counts(tmp_path: Path) -> None:
    file = tmp_path / "token"
    assert token_place(file, {}) == file
    assert token_place(None, {"LAUNCHKIT_TOKEN_FILE": str(file)}) == file
    assert token_place(file, {"LAUNCHKIT_TOKEN": "lk_2"}) is None
    assert token_place(None, {"HOME": str(tmp_path)}) == tokens_file({"HOME": str(tmp_path)})


def test_a_file_with_a_registrys_password_that_everybody_may_read_is_told(
    program: Program, token: Path
) -> None:
    registry = {
        "type": "oci",
        "uri": "127.0.0.1:9/a",
        "username": "ann",
        "password_file": str(token),
    }
    assert f"chmod 600 {token}" not in told(program, registry=registry).values()
    token.chmod(0o644)
    assert f"chmod 600 {token}" in told(program, registry=registry).values()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".netrc", "machine example.com login ann password hush"),
        (".git-credentials", "https://ann:hush@example.com"),
        (".gitconfig", '[http "https://h"]\n\textraHeader = Authorization: Basic hush\n'),
        (".gitconfig", '[url "https://x:hush@h/"]\n\tinsteadOf = https://h/\n'),
        (".config/git/config", "[http]\n\tproxy = http://ann:hush@proxy:3128\n"),
        (".gitconfig", "[sendemail]\n\tsmtpPass = hush\n"),
        (".gitconfig", "[imap] pass = hush\n"),
        (".gitconfig", "[http]\n\tproxy = socks5://ann:hush@proxy\n"),
        (".gitconfig", '[credential]\n\thelper = "!f() { echo password=hush; }; f"\n'),
        (".gitconfig", "[core\n"),
        (".ssh/id_ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----\nhush\n"),
        (".ssh/keys/of/work", "-----BEGIN RSA PRIVATE KEY-----\nhush\n"),
        (".ssh/bag.pem", f"Bag Attributes\n{'  x: y' * 50}\n-----BEGIN PRIVATE KEY-----\nhush\n"),
        (".docker/config.json", '{"HttpHeaders": {"Authorization": "Bearer hush"}}'),
        (".docker/config.json", '{"proxies": {"default": {"httpProxy": "http://a:hush@p"}}}'),
        (".docker/config.json", '{"auths": {"h": {"auth": "hush"}'),
        (".docker/config.json", '{"auths": {"example.com": {"auth": "YW5uOmh1c2g="}}}'),
    ],
)
def test_a_file_of_logins_that_everybody_may_read_is_told(
    program: Program, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv("HOME", str(program.folder))
    for variable in ("DOCKER_CONFIG", "GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
    file = Path(program.file(name, text))
    file.chmod(0o644)
    assert f"chmod 600 {file}" in told(program).values()
    file.chmod(0o600)
    assert f"chmod 600 {file}" not in told(program).values()


def test_dockers_logins_are_told_whatever_registry_there_is(
    program: Program, monkeypatch: pytest.MonkeyPatch, token: Path
) -> None:
    file = Path(program.file("config.json", '{"auths": {"h": {"auth": "YW5uOmh1c2g="}}}'))
    file.chmod(0o644)
    monkeypatch.setenv("DOCKER_CONFIG", str(program.folder))
    registry = {"type": "oci", "uri": "127.0.0.1:9/a", "username": "a", "password_file": str(token)}
    found = told(program, registry=registry)
    assert [*found.values()].count(f"chmod 600 {file}") == 1


@pytest.mark.parametrize(
    "helper",
    [
        "store --file=~/kept",
        "store --file ~/kept",
        '"store --file=~/kept"',
        "store --fil=~/kept",
        "store --f ~/kept",
        "store \\\n --file=~/kept",
        "store --file=$HOME/kept",
        "/usr/lib/git-core/git-credential-store --file ~/kept",
        "store --file='~/kept'",
    ],
)
def test_the_file_of_gits_store_of_logins_is_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, helper: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = tmp_path / "settings"
    address = '[url "ssh://git@example.com/"]\n\tinsteadOf = https://example.com/\n'
    settings.write_text(f"[credential]\n\thelper = {helper}\n{address}")
    found = login_files({"GIT_CONFIG_GLOBAL": str(settings)})
    assert tmp_path / "kept" in found
    assert settings not in found
    settings.write_text(f"[credential] helper = {helper}")
    assert tmp_path / "kept" in login_files({"GIT_CONFIG_GLOBAL": str(settings)})


def test_settings_of_git_that_others_include_are_known(tmp_path: Path) -> None:
    settings, more = tmp_path / "settings", tmp_path / "more"
    settings.write_text(f"[include]\n\tpath = {more}\n[user]\n\tsigningKey = A\n")
    more.write_text("[http]\n\textraHeader = X: hush\n")
    found = login_files({"GIT_CONFIG_GLOBAL": str(settings)})
    assert more in found
    assert settings not in found


def test_links_in_a_circle_hide_no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "again").symlink_to(tmp_path / ".ssh")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "one").write_text("-----BEGIN PRIVATE KEY-----")
    (tmp_path / ".ssh" / "keys").symlink_to(tmp_path / "keys")
    assert tmp_path / ".ssh/keys/one" in login_files({})


def test_docker_settings_without_a_login_may_be_read_by_everybody(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Path(program.file("config.json", '{"auths": {"example.com": {}}, "detachKeys": "x"}'))
    file.chmod(0o644)
    monkeypatch.setenv("DOCKER_CONFIG", str(program.folder))
    registry = {"type": "oci", "uri": "127.0.0.1:9/a"}
    assert f"chmod 600 {file}" not in told(program, registry=registry).values()


def test_what_a_cluster_gives_its_pods_is_not_told(tmp_path: Path) -> None:
    given = {CLUSTERS_OWN / "there": "a token", tmp_path / "here": "a token"}
    (tmp_path / "here").touch(0o644)
    assert [one.hint for one in wide_secrets(given, "x")] == [f"chmod 600 {tmp_path / 'here'}"]


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


@pytest.mark.usefixtures("no_backend")
def test_a_file_with_a_token_that_everybody_may_replace_is_told(
    program: Program, token: Path
) -> None:
    backend = {"url": "http://127.0.0.1:9", "token-file": str(token)}
    hint = f"chmod o-w {token.parent.parent}"
    assert hint not in told(program, backend=backend).values()
    token.parent.parent.chmod(0o777)
    assert hint in told(program, backend=backend).values()


@pytest.mark.parametrize(
    "address",
    [
        "https://ann:hush-hush/x@h",
        "https://ann:hush-hush#x@h",
        "http://ann:hush-hush@h:none",
        "postgresql://ann:hush-hush/x@127.0.0.1:1/db",
        "postgresql:/ann:hush-hush@h/db",
        "sqlite://ann:hush-hush/x@h/q.db",
    ],
)
def test_no_error_shows_the_password_of_an_address_that_is_written_wrong(
    program: Program, address: str
) -> None:
    said = program("ls", "--backend", address, code=3).stderr
    assert "hush-hush" not in said
    assert "internal" not in said
