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
