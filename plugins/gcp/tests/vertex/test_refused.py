"""What no custom job could be made of is refused, with its path and what to do."""

from typing import Any

import pytest
from launchkit_gcp.vertex.args import parse_args
from launchkit_gcp.vertex.request import request_of

from launchkit.errors import LaunchError, SubmitError

from .making import ACCOUNT, IMAGE, config, pool, submission
from .requesting import CONTEXT, pools, refused


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"worker_pool_specs": []}, "spec.worker_pool_specs: is missing or empty"),
        ({"staging_bucket": None}, "spec.staging_bucket: is missing"),
        ({"staging_bucket": "<REQUIRED>"}, "spec.staging_bucket: is still to be filled in"),
        ({"staging_bucket": "s3://bucket"}, "spec.staging_bucket: 's3://bucket' does not look"),
        ({"worker_pool_specs": [{}]}, "spec.worker_pool_specs[0].container_spec: is missing"),
        (
            {"worker_pool_specs": [{"python_package_spec": {"python_module": "m"}}]},
            "spec.worker_pool_specs[0].python_package_spec: is there, and launches run images",
        ),
        (
            {"worker_pool_specs": [pool(machine_spec={"machine_typ": "n1"})]},
            "spec.worker_pool_specs[0].machine_spec.machine_typ: unknown key; did you mean",
        ),
        (
            {"worker_pool_specs": [pool(machine_spec={"accelerator_type": "NVIDIA_T5"})]},
            "spec.worker_pool_specs[0].machine_spec.accelerator_type: 'NVIDIA_T5' is none of",
        ),
        (
            {"worker_pool_specs": [pool(machine_spec={"accelerator_count": 2})]},
            "spec.worker_pool_specs[0].machine_spec.accelerator_type: is missing",
        ),
        (
            {"worker_pool_specs": [pool(machine_spec={"accelerator_type": "NVIDIA_L4"})]},
            "spec.worker_pool_specs[0].machine_spec.accelerator_count: is missing or 0",
        ),
        (
            {"worker_pool_specs": [pool(replica_count=2)]},
            "spec.worker_pool_specs[0].replica_count: is 2; the first pool has one replica",
        ),
        ({"labels": {"Team": "x"}}, "spec.labels.Team: the name 'Team' does not look"),
        ({"labels": {"launchkit-item": "x"}}, "spec.labels.launchkit-item: begins with"),
        ({"credentials": {"token": "x"}}, "spec.credentials: is not for queues"),
        ({"stagingbucket": "x"}, "spec.stagingbucket: "),
        ({"unknown": 1}, "spec.unknown: unknown key"),
    ],
)
def test_what_is_wrong_is_named_with_its_path(change: dict[str, Any], line: str) -> None:
    args = config(**change)
    assert any(each.startswith(f"resource_args.{line}") for each in refused(args)), refused(args)


@pytest.mark.parametrize(
    ("run", "line"),
    [
        ({"timeout": "soon"}, "run.timeout: must be a whole number"),
        ({"timeout": 0}, "run.timeout: 0 is beyond the minimum, 1"),
        ({"scheduling_strategy": "CHEAP"}, "run.scheduling_strategy: 'CHEAP' is none of"),
        ({"max_wait_duration": 60}, "run.max_wait_duration: is for run.scheduling_strategy"),
        ({"tensorboard": "t"}, "run.service_account: is missing"),
        ({"service_account": "me"}, "run.service_account: 'me' does not look"),
        ({"service_account": "-x@y.z"}, "run.service_account: '-x@y.z' does not look"),
        ({"experiment_run": "r"}, "run.experiment_run: is of no experiment"),
        (
            {"experiment": "e", "tensorboard": "t", "service_account": ACCOUNT},
            "run.experiment: stands beside tensorboard",
        ),
        ({"wait": True}, "run.wait: unknown key"),
    ],
)
def test_what_is_wrong_with_run_is_named_with_its_path(run: dict[str, Any], line: str) -> None:
    args = config(run=run)
    assert any(each.startswith(f"resource_args.{line}") for each in refused(args)), refused(args)


@pytest.mark.parametrize(
    "image",
    [
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/train:1",
        "mine.azurecr.io/train:1",
        "localhost:5000/train:1",
        "10.0.0.7:5000/train:1",
        "registry.corp.internal/train:1",
    ],
)
def test_an_image_of_a_private_registry_elsewhere_is_refused_with_the_reason(image: str) -> None:
    args = config(worker_pool_specs=[pool(container_spec={})])
    with pytest.raises(SubmitError, match="is a private registry outside Google Cloud") as caught:
        request_of(parse_args(args), submission(args=args, image=image), CONTEXT)
    assert "Artifact Registry" in str(caught.value.hint)


@pytest.mark.parametrize(
    "image", ["python:3.12", "ghcr.io/a/b:1", "gcr.io/p/b:1", "eu.gcr.io/p/b:1", IMAGE]
)
def test_images_of_google_and_public_ones_are_taken(image: str) -> None:
    (made,) = pools(
        submission(image=image, args=config(worker_pool_specs=[pool(container_spec={})]))
    )
    assert made["container_spec"]["image_uri"] == image


def test_a_launch_without_an_image_is_refused() -> None:
    args = config(worker_pool_specs=[pool(container_spec={})])
    with pytest.raises(SubmitError, match="there is no image to run"):
        request_of(parse_args(args), submission(args=args, image=None), CONTEXT)


def test_another_project_than_the_agents_is_refused() -> None:
    with pytest.raises(LaunchError, match="the agent's jobs are in my-project"):
        request_of(parse_args(config(project="other")), submission(), CONTEXT)
