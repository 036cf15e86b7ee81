"""A launch spec and the flags that are laid over it: pure functions."""

import pytest

from launchkit.cli.launch_file import LaunchFile, with_flags
from launchkit.document import parse_mapping
from launchkit.errors import ConfigError
from launchkit.model import Priority

SPEC = """\
job: train:v3
project: vision
priority: high
resource_args: {local-process: {nice: 5}}
overrides:
  args: [--lr, 0.1, true]
  entry_point: python train.py
  run_config: {lr: 0.1}
  env: {A: 1, B: null}
"""


def merged(text: str, **flags: object) -> LaunchFile:
    return with_flags(parse_mapping(text, "spec.yaml"), flags)[0]


def test_a_spec_is_read_as_wandb_writes_it() -> None:
    file = merged(SPEC)
    assert file.source == {"job": "train:v3", "image": None, "uri": None}
    assert file.overrides.args == ("--lr", "0.1", "true")
    assert file.overrides.entry_point == ("python", "train.py")
    assert file.overrides.env == {"A": "1", "B": None}
    assert file.priority is Priority.HIGH


@pytest.mark.parametrize(
    ("text", "source", "ref"),
    [
        ("docker: {docker_image: img}", {"image": "img"}, None),
        ("image_uri: img", {"image": "img"}, None),
        ("docker: {docker_image: img}\ngit: {}", {"image": "img"}, None),
        ("git: {repo: r}\ndocker: {}\njob: null", {"uri": "r"}, None),
        ("uri: dir", {"uri": "dir"}, None),
        ("git: {repo: 'https://x/y', version: v1}", {"uri": "https://x/y"}, "v1"),
        ("{uri: 'https://x/y', ref: v1}", {"uri": "https://x/y"}, "v1"),
    ],
)
def test_each_word_for_a_source_is_known(
    text: str, source: dict[str, str], ref: str | None
) -> None:
    file = merged(text)
    assert file.source == {"job": None, "image": None, "uri": None, **source}
    assert file.git_ref == ref


def test_a_flag_changes_its_key_alone() -> None:
    file = merged(SPEC, project="other", overrides={"args": ["x"], "env": {"B": "2"}})
    assert (file.project, file.job) == ("other", "train:v3")
    assert file.overrides.args == ("x",)
    assert file.overrides.env == {"A": "1", "B": "2"}
    assert file.overrides.run_config == {"lr": 0.1}


def test_a_source_or_resource_arguments_of_a_flag_replace_the_files() -> None:
    file = merged(SPEC, uri="dir", resource_args={"limits": {"memory": 1}})
    assert file.source == {"job": None, "image": None, "uri": "dir"}
    assert file.resource_args == {"limits": {"memory": 1}}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nprojct: x", "spec.yaml:2: projct: unknown key; did you mean 'project'?"),
        ("overrides:\n  arg: [x]", "spec.yaml:2: overrides.arg: unknown key"),
        ("overrides:\n  args: x", "spec.yaml:2: overrides.args:"),
        ('overrides: {entry_point: "a \'b"}', "No closing quotation"),
        (f"overrides: {{entry_point: {'x' * 70_000}}}", "a line has at most 65536 characters"),
        ("priority: urgent", "must be one of critical, high, medium, low, or 0 to 3"),
        ("_wandb_api_key: secret", "spec.yaml:1: _wandb_api_key: unknown key"),
        ("timeouts: {start: soon}", "spec.yaml:1: timeouts.start"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        merged(text)
    assert problem in caught.value.message


def test_keys_that_mean_nothing_here_are_ignored_with_a_warning() -> None:
    file, warnings = with_flags(parse_mapping("job: x\nrun_id: abc", "spec.yaml"), {})
    assert file.job == "x"
    assert warnings == ["spec.yaml:2: run_id: ignored"]
