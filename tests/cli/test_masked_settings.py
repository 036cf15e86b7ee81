"""What stands in settings is shown and objected to without what proves who somebody is."""

import pytest
from cli.conftest import Program
from click.testing import CliRunner

from launchkit.cli import cli

ADDRESSES = [
    "https://ann:hush-hush@h.invalid/x?token=hush-hush&a=b#sig=hush-hush",
    "https://ann:hush%40a:b@hush-hush/x@h.invalid/x https://hush-hush@h.invalid",
]
SETTINGS = [
    "{type: oci, uri: 'A'}",
    "{type: docker, destination: 'A'}",
    "{type: kaniko, destination: h/x, build-context-store: 'A'}",
    "{type: docker, destination: h.invalid/x, build-args: {P: 'A'}, 'A': 1}",
    "{type: aws, region: a, endpoint_urls: {s3: 'A'}}",
    "{type: 'A'}",
    "{type: gcr, repository: 'A'}",
    "{local-process: {x: 'A'}, local-container: {docker-host: 'A', url: 'A'}}",
    "{local_repositories: ['A'], launch_may_set: ['A']}",
    "{docker: 'A'}",
    "{'A': 1}",
    "{url: 'A', token-file: 'A'}",
    "['A']",
    "'A'",
]
KEYS = ["backend", "builder", "environment", "max_jobs", "name", "policy", "queues", "registry"]
KEYS += ["runners", "secure_mode", "state_dir", "entity"]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("key", KEYS)
def test_no_setting_is_shown_with_the_login_in_an_address(
    program: Program, key: str, address: str
) -> None:
    for index, setting in enumerate(SETTINGS):
        file = program.file(f"{index}.yaml", f"{key}: {setting.replace('A', address)}\n")
        for words in (["config", "show"], ["config", "show", "-o", "json"], ["config", "check"]):
            said = CliRunner().invoke(cli, ["--config", file, *words])
            assert "hush" not in said.output, (words, setting)


@pytest.mark.parametrize("setting", ["x: 'A'", "registry: {type: oci, uri: 'A'}", "backend: 'A'"])
def test_doctor_and_lists_show_no_setting_with_the_login_in_an_address(
    program: Program, setting: str
) -> None:
    file = program.file("x.yaml", setting.replace("A", ADDRESSES[0]))
    for words in (["doctor"], ["doctor", "-o", "json"], ["ls"]):
        said = CliRunner().invoke(cli, ["--config", file, *words])
        assert "hush" not in said.output, words


POD = "builder: {type: kaniko, destination: h/x, kaniko-config: {spec: {template: {spec: POD}}}}"
NAMED = [
    "builder: {type: docker, destination: h/x, build-args: {NPM_TOKEN: hush-hush}}",
    "builder: {type: docker, destination: h/x, build-args: 'NPM_TOKEN=hush-hush'}",
    "builder: {type: docker, destination: h/x, build-args: {NPM_TOKEN: [hush-hush]}}",
    "builder: {type: docker, destination: h/x, password=hush-hush: 1}",
    "builder: {type: kaniko, destination: h/x, kaniko-image: 'ann:hush-hush@h/k'}",
    "builder: {type: docker, destination: 'ann:hush-hush@h/k@sha256:ab'}",
    POD.replace("POD", "{containers: [{env: [{name: DB_PASSWORD, value: hush-hush}]}]}"),
    POD.replace("POD", "{containers: [{args: ['--build-arg=A_TOKEN=hush-hush']}]}"),
    POD.replace("POD", "{containers: [{args: ['PASSWORD=hush-hush', 'TOKEN=hush-hush LONG']}]}"),
    "environment: {type: aws, region: [a], api-key: hush-hush}\nname: 'a hush-hush'",
    "runners: {local-process: {secret: hush-hush}}",
    "policy: {macros_from_env: ['TOKEN=hush-hush'], launch_may_set: ['env.TOKEN=hush-hush']}",
    "policy: {env_from_agent: {TOKEN: hush-hush}}",
    "max_jobs: 'password: hush-hush LONG'",
    "token: hush-hush\nlog_format: hush-hush",
]


@pytest.mark.parametrize("setting", NAMED, ids=range(len(NAMED)))
def test_no_setting_is_shown_or_objected_to_with_what_a_name_tells_to_be_a_secret(
    program: Program, setting: str
) -> None:
    file = program.file("x.yaml", f"queues: [a]\n{setting.replace('LONG', 'long ' * 5_000)}\n")
    for words in (["config", "show"], ["config", "show", "-o", "json"], ["config", "check"]):
        said = CliRunner().invoke(cli, ["--config", file, *words])
        assert "hush" not in said.output, words


FOUND_LATER = [
    "backend: 'host=127.0.0.1 password=hush-hush'",
    "backend: 'sqlite:////dev/null/password=hush-hush'",
    "runners: {'password=hush-hush': {}}",
    "queues: ['password=hush-hush']",
    "state_dir: /dev/null/token=hush-hush",
    "registry: {type: 'password=hush-hush'}",
    'registry: {type: oci, uri: h/x, username: ann, password_file: \'{"token": "hush-hush"}\'}',
]
COMMANDS = [["doctor"], ["doctor", "-o", "json"], ["config", "check"], ["ls"]]
COMMANDS += [["queue", "list"], ["user", "list"], ["store", "migrate"], ["login"]]


@pytest.mark.parametrize("setting", FOUND_LATER, ids=range(len(FOUND_LATER)))
def test_what_is_found_wrong_with_settings_later_is_told_without_their_secrets(
    program: Program, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    if setting.startswith("backend"):
        monkeypatch.delenv("LAUNCHKIT_BACKEND")
    file = program.file("x.yaml", setting)
    told = [CliRunner().invoke(cli, ["--config", file, *words]).output for words in COMMANDS]
    assert [text for text in told if "hush" in text] == []
    assert any("…" in text for text in told)


OF_AGENTS = [
    "registry: {type: oci, uri: h.invalid/x, username: ann, password: hush-hush}",
    "builder: {type: docker, destination: h.invalid/x, build-args: {NPM_TOKEN: hush-hush}}",
    "builder: {type: docker, destination: h.invalid/x, build-args: [NPM_TOKEN=hush-hush]}",
    "runners: {local-process: {secret: hush-hush}}",
    "environment: {type: aws, region: a, api-key: hush-hush}",
    "policy: {env_from_agent: {TOKEN: hush-hush}}",
]
"""Blocks that are not for clients."""
CLIENTS = [["ls"], ["events"], ["queue", "list"], ["user", "list"], ["store", "migrate"], ["login"]]
CLIENTS += [["launch", "--dry-run", "-d", "x"], ["config", "check"]]


@pytest.mark.parametrize("setting", OF_AGENTS, ids=range(len(OF_AGENTS)))
def test_no_command_of_a_client_tells_a_secret_of_a_block_that_only_agents_read(
    program: Program, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.delenv("LAUNCHKIT_BACKEND")
    wrong = program.file("wrong.yaml", f"{setting}\nname: hush-hush!\nmax_jobs: hush-hush\n")
    away = program.file("away.yaml", f"{setting}\nbackend: sqlite:////dev/null/hush-hush\n")
    for file in (wrong, away):
        told = [CliRunner().invoke(cli, ["--config", file, *words]).output for words in CLIENTS]
        assert [text for text in told if "hush" in text] == []
        assert len([text for text in told if "…" in text]) >= len(told) - 1


@pytest.mark.parametrize("setting", [*FOUND_LATER[:2], *FOUND_LATER[3:]])
def test_an_agent_tells_what_keeps_it_from_work_without_the_secrets_of_its_settings(
    program: Program, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    program("queue", "create", "a", "--resource", "local-process")
    if setting.startswith("backend"):
        monkeypatch.delenv("LAUNCHKIT_BACKEND")
    queues = "" if setting.startswith("queues") else "queues: [a]\n"
    file = program.file("x.yaml", queues + setting)
    said = CliRunner().invoke(cli, ["--config", file, "agent", "--exit-when-idle"])
    assert "hush" not in said.output
    assert "…" in said.output


def test_settings_that_are_no_secrets_are_shown(program: Program) -> None:
    text = """
policy: {macros_from_env: [DB_PASSWORD], env_from_agent: [API_TOKEN]}
registry: {type: oci, uri: h.invalid/x, username: ann, password_file: /srv/word}
builder: {type: docker, destination: h.invalid/x, build-args: {FROM: 'ssh://ann:hush@h/x'}}
"""
    said = CliRunner().invoke(cli, ["--config", program.file("x.yaml", text), "config", "show"])
    for shown in ("DB_PASSWORD", "API_TOKEN", "/srv/word", "ssh://ann@h/x"):
        assert shown in said.output
