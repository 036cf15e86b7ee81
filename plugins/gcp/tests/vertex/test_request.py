"""A queue's config becomes a CustomJob that Vertex AI takes."""

from typing import Any

import pytest
import yaml
from google.cloud.aiplatform_v1 import types
from launchkit_gcp.vertex.api import custom_job
from launchkit_gcp.vertex.args import check_args, parse_args
from launchkit_gcp.vertex.request import ref_of
from launchkit_gcp.vertex.runner import VertexRunner

from launchkit.errors import Rejected
from launchkit.model import Secret, Submission
from launchkit.resolving.secret_values import without_queue_secrets

from .beside import BUCKET, PROJECT, REGION
from .fake import PARENT
from .making import ACCOUNT, IMAGE, config, pool, submission
from .requesting import bound, pools, refused, request

SEED = """
spec:
  worker_pool_specs:
  - machine_spec:
      machine_type: n1-standard-4
      accelerator_type: ACCELERATOR_TYPE_UNSPECIFIED
      accelerator_count: 0
    replica_count: 1
    container_spec:
      image_uri: ${image_uri}
  staging_bucket: <REQUIRED>
run:
  restart_job_on_worker_restart: false
"""


def seed() -> dict[str, Any]:
    """The seed's config, with its bucket."""
    found: dict[str, Any] = yaml.safe_load(SEED)
    found["spec"]["staging_bucket"] = BUCKET
    return found


def test_the_config_that_is_offered_first_is_the_one_of_the_tutorial() -> None:
    assert yaml.safe_load(VertexRunner.starter_config()) == yaml.safe_load(SEED)


def test_the_tutorials_config_becomes_its_job() -> None:
    one = bound(seed(), run_id="abcd1234", item_id="i1", entry_point=("python", "train.py"))
    made = request(one)
    (container,) = (each.pop("container_spec") for each in made["job_spec"]["worker_pool_specs"])
    env = {each["name"]: each["value"] for each in container.pop("env")}
    assert env["WANDB_RUN_ID"] == env["LAUNCHKIT_RUN_ID"] == "abcd1234"
    assert container == {"image_uri": IMAGE, "command": ["python", "train.py"]}
    assert made == {
        "display_name": "run",
        "job_spec": {
            "worker_pool_specs": [
                {
                    "machine_spec": {
                        "machine_type": "n1-standard-4",
                        "accelerator_type": "ACCELERATOR_TYPE_UNSPECIFIED",
                        "accelerator_count": 0,
                    },
                    "replica_count": 1,
                }
            ],
            "base_output_directory": {"output_uri_prefix": f"gs://{BUCKET}/launchkit/i1/1"},
            "scheduling": {"restart_job_on_worker_restart": False},
        },
        "labels": {
            "wandb-run-id": "abcd1234",
            "launchkit-run-id": "abcd1234",
            "launchkit-item": "i1",
            "launchkit-attempt": "1",
            "launchkit-entity": "test",
            "launchkit-queue": "q",
            "launchkit-agent": "a",
        },
    }


def test_arguments_of_run_become_fields_of_the_job() -> None:
    run = {
        "service_account": ACCOUNT,
        "network": "projects/1/global/networks/vpc",
        "timeout": 3600,
        "restart_job_on_worker_restart": True,
        "enable_web_access": True,
        "disable_retries": True,
        "scheduling_strategy": "FLEX_START",
        "max_wait_duration": 0,
        "experiment": "exp",
        "experiment_run": "first",
        "psc_interface_config": {"network_attachment": "a"},
    }
    made = request(submission(args=config(run=run, persistent_resource_id="mine")))
    spec = types.CustomJob(custom_job(made)).job_spec
    assert (spec.service_account, spec.network) == (ACCOUNT, "projects/1/global/networks/vpc")
    assert spec.scheduling.timeout.total_seconds() == 3600
    assert spec.scheduling.restart_job_on_worker_restart
    assert spec.scheduling.disable_retries
    assert spec.scheduling.strategy.name == "FLEX_START"
    assert "max_wait_duration" in spec.scheduling
    assert spec.enable_web_access
    contexts = f"{PARENT}/metadataStores/default/contexts"
    assert spec.experiment == f"{contexts}/exp"
    assert spec.experiment_run == f"{contexts}/exp-first"
    assert spec.persistent_resource_id == "mine"
    assert spec.psc_interface_config.network_attachment == "a"


def test_arguments_of_the_constructor_become_fields_of_the_job() -> None:
    made = request(
        submission(
            args=config(
                display_name="mine",
                base_output_dir="gs://other/out",
                labels={"team": "vision"},
                encryption_spec_key_name="projects/p/keys/k",
                project=PROJECT,
                location=REGION,
                enable_dashboard_access=True,
            )
        )
    )
    assert made["display_name"] == "mine"
    assert made["job_spec"]["base_output_directory"] == {"output_uri_prefix": "gs://other/out"}
    assert made["labels"]["team"] == "vision"
    assert made["encryption_spec"] == {"kms_key_name": "projects/p/keys/k"}
    assert made["job_spec"]["enable_dashboard_access"] is True


@pytest.mark.parametrize("bucket", ["staging", "gs://staging", "gs://staging/", "gs://staging/a/b"])
def test_a_bucket_may_be_written_with_its_scheme_or_without(bucket: str) -> None:
    made = request(submission(args=config(staging_bucket=bucket)))
    at = made["job_spec"]["base_output_directory"]["output_uri_prefix"]
    assert at.startswith(f"gs://{bucket.removeprefix('gs://').rstrip('/')}/launchkit/")


def test_keys_may_be_written_as_gcloud_writes_them() -> None:
    spec = {
        "workerPoolSpecs": [
            {"machineSpec": {"machineType": "n1-standard-4"}, "containerSpec": {"imageUri": IMAGE}}
        ],
        "stagingBucket": BUCKET,
    }
    (made,) = pools(submission(args={"spec": spec}))
    assert made["machine_spec"] == {"machine_type": "n1-standard-4"}
    assert made["replica_count"] == 1


@pytest.mark.parametrize("key", ["vertex", "gcp-vertex"])
def test_a_wrapping_key_is_taken(key: str) -> None:
    check_args({key: config()})
    assert refused({key: {"spec": {}}})[0].startswith(f"resource_args.{key}.spec.worker_pool_specs")


def test_what_the_queue_starts_stays_where_the_launch_has_nothing() -> None:
    container = {"image_uri": IMAGE, "command": ["own"], "args": ["--deep"]}
    args = config(worker_pool_specs=[pool(container_spec=container)])
    (made,) = pools(submission(args=args))
    assert (made["container_spec"]["command"], made["container_spec"]["args"]) == (
        ["own"],
        ["--deep"],
    )
    (made,) = pools(submission("train", args=args))
    assert made["container_spec"]["command"] == ["train"]
    assert "args" not in made["container_spec"]
    (made,) = pools(bound(args, args=("--lr", "1")))
    assert (made["container_spec"]["command"], made["container_spec"]["args"]) == (
        ["own"],
        ["--lr", "1"],
    )


def test_each_pool_gets_entry_point_and_variables_and_keeps_its_own() -> None:
    workers = pool(
        replica_count=3,
        container_spec={"env": [{"name": "ROLE", "value": "worker"}, {"name": "LR", "value": "1"}]},
    )
    server = pool(
        container_spec={"image_uri": "gcr.io/other/server:1", "command": ["serve"]},
    )
    args = config(worker_pool_specs=[pool(), workers, server])
    first, second, third = pools(
        bound(args, entry_point=("train",), env={"LR": "2"}, run_id="abcd1234")
    )
    assert [each["replica_count"] for each in (first, second, third)] == [1, 3, 1]
    assert second["container_spec"]["image_uri"] == IMAGE
    assert second["container_spec"]["command"] == ["train"]
    env = {each["name"]: each["value"] for each in second["container_spec"]["env"]}
    assert (env["ROLE"], env["LR"], env["WANDB_RUN_ID"]) == ("worker", "2", "abcd1234")
    assert third["container_spec"]["image_uri"] == "gcr.io/other/server:1"
    assert third["container_spec"]["command"] == ["serve"]


def test_what_launchkit_says_of_a_run_is_no_pools_to_say() -> None:
    given = {"LAUNCHKIT_ITEM_ID": "forged", "LAUNCHKIT_RUN_TOKEN": "forged", "MINE": "kept"}
    forged = [{"name": name, "value": value} for name, value in given.items()]
    args = config(worker_pool_specs=[pool(container_spec={"env": forged})])
    (made,) = pools(bound(args, run_id="abcd1234"))
    env = {each["name"]: each["value"] for each in made["container_spec"]["env"]}
    assert env["LAUNCHKIT_ITEM_ID"] == env["WANDB_LAUNCH_TRACE_ID"] != "forged"
    assert "LAUNCHKIT_RUN_TOKEN" not in env
    assert env["MINE"] == "kept"


def test_secrets_are_shown_nowhere() -> None:
    one = submission("train")
    hidden = Submission(
        name=one.name,
        launch=one.launch,
        command=one.command,
        env={"TOKEN": Secret("hidden")},
        resource_args=one.resource_args,
        image=one.image,
    )
    assert "hidden" not in repr(request(hidden, masks=True))
    assert "hidden" in repr(request(hidden))


def test_macros_and_template_variables_are_filled_later() -> None:
    args = config(
        run={"timeout": "{{hours}}", "scheduling_strategy": "{{strategy}}"},
        worker_pool_specs=[pool(machine_spec={"accelerator_count": "{{gpus}}"})],
        staging_bucket="{{bucket}}",
    )
    check_args(args)
    with pytest.raises(Rejected, match=r"run\.timeout: must be a whole number"):
        parse_args(args, is_filled=True)


def test_texts_of_template_variables_become_numbers() -> None:
    machine = {"machine_type": "n1-standard-4", "accelerator_type": "NVIDIA_TESLA_T4"}
    args = config(
        run={"timeout": "60"},
        worker_pool_specs=[pool(machine_spec={**machine, "accelerator_count": "2"})],
    )
    made = request(submission(args=args))
    assert made["job_spec"]["scheduling"] == {"timeout": "60s"}
    (one,) = made["job_spec"]["worker_pool_specs"]
    assert one["machine_spec"]["accelerator_count"] == 2


def test_later_attempts_have_what_the_queue_names_to_fall_back_to() -> None:
    """Where a region has no machines, others may: of the config itself, then of each entry."""
    larger = {"machine_type": "n1-highmem-8"}
    east = {"location": "us-east1", "staging_bucket": "east", "machine_spec": larger}
    server = pool(machine_spec={"machine_type": "n1-standard-8"})
    args = config(worker_pool_specs=[pool(), pool(), server]) | {
        "fallback": [{"machine_spec": larger}, east]
    }
    seen = []
    for attempt in range(1, 5):
        one = submission(args=args, attempt=attempt)
        spec = request(one)["job_spec"]
        machines = [each["machine_spec"]["machine_type"] for each in spec["worker_pool_specs"]]
        bucket = spec["base_output_directory"]["output_uri_prefix"].split("/")[2]
        region = ref_of(parse_args(args), one, PROJECT, REGION).region
        seen.append((region, bucket, *machines))
    usual = (REGION, BUCKET, "n1-standard-4", "n1-standard-4", "n1-standard-8")
    assert seen == [
        usual,
        (REGION, BUCKET, "n1-highmem-8", "n1-highmem-8", "n1-standard-8"),
        ("us-east1", "east", "n1-highmem-8", "n1-highmem-8", "n1-standard-8"),
        usual,
    ]


def test_another_region_needs_a_bucket_there() -> None:
    args = config() | {"fallback": [{"location": "us-east1"}]}
    assert refused(args) == [
        "resource_args.fallback[0].staging_bucket: is missing; name one in that location"
    ]


def test_a_secret_in_the_place_of_a_number_is_not_shown() -> None:
    shown = request(bound(config(run={"timeout": Secret("0012345")})), masks=True)
    assert "12345" in str(shown)
    assert "12345" not in str(without_queue_secrets({"request": shown}, ["0012345"]))


def test_no_variable_takes_the_place_of_what_a_launch_brings_in_another() -> None:
    """The proto says of `value` alone that variables are put into it, and nothing of arguments."""
    given = [{"name": "A", "value": "$(B)"}, {"name": "NAME", "value": "${run_name}"}]
    args = config(worker_pool_specs=[pool(container_spec={"env": given})])
    one = bound(
        args,
        entry_point=("train",),
        args=("$(B)",),
        env={"B": "$(A)"},
        name="$(B)",
        origins={"resource_args.spec.worker_pool_specs[0].container_spec.env[1].value": "queue"},
    )
    (made,) = pools(one)
    env = {each["name"]: each["value"] for each in made["container_spec"]["env"]}
    assert (env["A"], env["B"], env["NAME"]) == ("$(B)", "$$(A)", "$$(B)")
    assert made["container_spec"]["args"] == ["$(B)"]
