import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from settings.clouds import cloud_plugins
from unbounded import unbounded
from wandb_cases import cases

from launchkit.plugins import Plugins
from launchkit.settings.json_schema import settings_schema

PUBLISHED = Path(__file__).parents[2] / "docs" / "reference" / "launch-config.schema.json"
VALIDATOR = Draft202012Validator(settings_schema(cloud_plugins()))


def test_the_published_schema_is_current() -> None:
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == settings_schema(Plugins())


def test_what_nobody_can_set_is_not_in_it() -> None:
    whole = settings_schema(Plugins())
    text = json.dumps(whole)
    assert [name for name in whole["$defs"] if f'"#/$defs/{name}"' not in text] == []
    assert re.findall(r'"_\w+": ', text) == []


def test_each_number_has_a_least_and_a_largest_value() -> None:
    assert [*unbounded(settings_schema(Plugins()))] == []


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(settings_schema(cloud_plugins()))


@pytest.mark.parametrize("case", cases("cfg-"))
def test_it_judges_as_loading_does(case: dict[str, Any]) -> None:
    valid = case["stance"] == "improve" or case["expected"]["valid"]
    assert VALIDATOR.is_valid(case["input"]["config"]) == valid


@pytest.mark.parametrize(
    ("config", "valid"),
    [
        ("max_jobs: '8'", True),
        ("max_jobs:\nqueues:", True),
        ("max_jobs: -2", False),
        ("max_jobs: weird", False),
        ("builder: {type: docker, destination: localhost:5000/r}", True),
        ("builder: {type: docker, destination: localhost:5000/r:tag}", False),
        ("builder: {type: docker, destination: '[::1]:5000/r'}", True),
        ("builder: {type: docker, destination: '[::1]:5000/r:tag'}", False),
        ("builder: {type: kaniko, kaniko-imag: x}", False),
        ("builder: {type: kaniko, secret-name: x}", False),
        ("builder: {type: docker, uri: https://a.azurecr.io/b}", True),
        ("environment: {type: azure}", True),
        ("environment: {type: aws}", False),
        ("registry: {type: ecr, uri: 'arn:aws:ecr:us-east-1:123456789012:repository/r'}", True),
        ("policy: {secure_mode: true, macros_from_env: [A]}", True),
        ("policy: {secure: true}", False),
        ("policy: {docker: strict, gpu_slots: 2}", True),
        ("policy: {docker: closed}", False),
        ("builder: {type: docker, kaniko-image: x}", False),
        ("builder: {type: docker, build_args: {A: b}, buildkit: null}", True),
        ("builder: {type: noop, anything: 1}", True),
        ("runners: {azure-ml: {project: p}}", True),
        ("runners: {azure-ml: {}}", False),
        ("runners: {local-process: {kep: true}}", False),
        ("runners: {kubernetes: {namespace: jobs}}", True),
        ("start_timeout: -1", False),
        ("run_timeout: 1.0e+300", False),
        ("lease_seconds: 1.0e-300", False),
        ("max_jobs: 1000001", False),
        ("max_jobs: '9999999'", False),
        ("policy: {gpu_slots: 1000000000}", False),
        ("runners: {kubernetes: {api_rate: 1.0e-300}}", False),
        ("drain_timeout: null", True),
        ("queue: a\nproject: p", True),
    ],
)
def test_it_knows_good_from_bad(config: str, valid: bool) -> None:
    assert VALIDATOR.is_valid(yaml.safe_load(config)) == valid
