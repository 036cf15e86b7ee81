"""The schema of a queue's config, which forms and editors go by."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from launchkit_kubernetes.manifest.args import check_args
from launchkit_kubernetes.manifest.schema import STARTER, schema
from launchkit_kubernetes.runner import KubernetesRunner

from launchkit.errors import Rejected
from launchkit.model import QueueSpec, Variable
from launchkit.resolving.samples import check_config_of

from ..job_schema import FILE, job_schema
from .examples import (
    JOBSET,
    LEADER,
    MPI,
    RAY,
    SEED_INJECTED,
    SEED_JOB,
    SEED_PYTORCH,
    TRAIN,
    VOLCANO,
    example,
)
from .making import job

SCHEMA = schema()
GOOD: list[dict[str, Any]] = [
    {},
    {"kubernetes": {}},
    {"kubernetes": None},
    {"spec": None, "namespace": None},
    {"kind": "Job", "apiVersion": "batch/v1", "metadata": {"labels": {"a": "b"}}},
    job({"resources": {"limits": {"cpu": 1, "memory": "1Gi", "nvidia.com/gpu": "{{gpus}}"}}}),
    job({"env": [{"name": "A", "value": "{{n}}"}, {"name": "B", "value": 5}]}, None),
    {"spec": {"parallelism": "{{n}}", "suspend": "${x}", "completions": "2"}},
    {"spec": {"backOffLimit": 1, "template": {"ttlSecondsAfterFinished": 5}}},
    {"apiVersion": "x.io/v1", "kind": "A", "spec": {"whatever": [1]}, "data": {}},
    {"group": "x.io", "kind": "A", "data": {}},
    *map(example, (JOBSET, LEADER, MPI, RAY, SEED_INJECTED, SEED_JOB, SEED_PYTORCH, TRAIN)),
    example(VOLCANO),
    example(STARTER),
]
BAD: list[dict[str, Any]] = [
    {"sepc": {}},
    {"kubernetes": {"sepc": {}}},
    {"kubernetes": 5},
    {"kubernetes": {}, "spec": {}},
    {"kind": "Job", "spec": {"paralelism": 1}},
    {"apiVersion": "batch/v1", "kind": "Job", "more": 1},
    {"kubernetes": {"spec": {"paralelism": 1}}},
    {"kind": "PyTorchJob"},
    {"apiVersion": "x.io/v1"},
    {"namespace": 5},
    {"metadata": {"label": {}}},
    {"apiVersion": "x.io/v1", "kind": "A", "metadata": {"labels": []}},
    {"spec": {"parallelism": "x"}},
    {"spec": {"parallelism": True}},
    {"spec": {"suspend": "yes"}},
    {"spec": {"template": "${x}"}},
    job({"imag": "x"}),
    job({"env": {"A": "b"}}),
    job({"command": "python x"}),
    job({"resources": {"limits": {"cpu": []}}}),
    job("x"),  # type: ignore[arg-type] # as somebody may write it
]


def test_the_fields_of_a_job_are_those_that_the_client_knows() -> None:
    assert json.loads(FILE.read_text()) == job_schema(), "run tests/job_schema.py"


def test_it_is_a_json_schema_all_of_whose_references_lead_somewhere() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    shown = json.dumps(SCHEMA)
    for name in {part.partition('"')[0] for part in shown.split('"#/$defs/')[1:]}:
        assert name in SCHEMA["$defs"]


@pytest.mark.parametrize("config", GOOD, ids=range(len(GOOD)))
def test_it_takes_what_the_runner_takes(config: dict[str, Any]) -> None:
    check_args(config)
    Draft202012Validator(SCHEMA).validate(config)


@pytest.mark.parametrize("config", BAD, ids=range(len(BAD)))
def test_it_refuses_what_the_runner_refuses(config: dict[str, Any]) -> None:
    with pytest.raises(Rejected):
        check_args(config)
    assert not Draft202012Validator(SCHEMA).is_valid(config)


def test_a_queue_with_template_variables_is_looked_at_before_anything_is_launched() -> None:
    config = job(
        {
            "resources": {"limits": {"nvidia.com/gpu": "{{gpus}}"}},
            "env": [{"name": "EPOCHS", "value": "{{gpus}}"}],
        }
    )
    config["spec"]["parallelism"] = "{{gpus}}"
    variables = {"gpus": Variable(type="integer")}
    check_config_of(
        QueueSpec(name="q", resource="kubernetes", config=config, variables=variables),
        KubernetesRunner,
    )
    config["spec"]["template"]["spec"]["containers"][0]["imag"] = "a"
    with pytest.raises(Rejected, match=r"containers\[0\]\.imag: unknown key; did you mean 'image'"):
        check_config_of(
            QueueSpec(name="q", resource="kubernetes", config=config, variables=variables),
            KubernetesRunner,
        )
