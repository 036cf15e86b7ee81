"""A queue's config becomes a CreateTrainingJob request that AWS's own model takes."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from launchkit_aws.sagemaker.args import NO_CHECKPOINTS, check_args, parse_args
from launchkit_aws.sagemaker.names import job_name
from launchkit_aws.sagemaker.request import (
    WANDB_TAG,
    Account,
    RequestContext,
    Started,
    merged_algorithm,
    request_of,
)
from launchkit_aws.sagemaker.runner import SageMakerRunner

from launchkit.model import Secret
from launchkit.resolving.secret_values import without_queue_secrets

from .fake import ACCOUNT, REGION
from .making import IMAGE, config, submission
from .requesting import SEED, bound, request

CASES: dict[str, dict[str, Any]] = {
    case["id"]: case
    for case in yaml.safe_load(
        (Path(__file__).parent / "data" / "wandb_cases.yaml").read_text(encoding="utf-8")
    )["cases"]
}


def test_the_config_that_is_offered_first_is_the_one_of_the_tutorial() -> None:
    assert yaml.safe_load(SageMakerRunner.starter_config()) == SEED


def test_the_tutorials_config_becomes_its_request() -> None:
    filled = SEED | {"RoleArn": "job", "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"}}
    one = bound(filled, run_id="abcd1234", item_id="i1", entry_point=("python", "train.py"))
    made = request(one)
    env = made.pop("Environment")
    assert env["WANDB_RUN_ID"] == env["LAUNCHKIT_RUN_ID"] == "abcd1234"
    assert made == {
        **filled,
        "TrainingJobName": "abcd1234",
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/job",
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python", "train.py"],
        },
        "Tags": [
            {"Key": WANDB_TAG, "Value": "abcd1234"},
            {"Key": "launchkit:run-id", "Value": "abcd1234"},
            {"Key": "launchkit:item", "Value": "i1"},
            {"Key": "launchkit:attempt", "Value": "1"},
            {"Key": "launchkit:entity", "Value": "test"},
            {"Key": "launchkit:queue", "Value": "q"},
            {"Key": "launchkit:agent", "Value": "a"},
        ],
    }


def test_a_minimal_config_is_what_wandb_makes_of_it() -> None:
    case = CASES["sm-minimal"]
    given, wanted = case["input"], case["expected"]["CreateTrainingJob_env_keys_only"]
    made = request(bound(given["queue_config"], image=given["image"], run_id=given["run_id"]))
    for key in (*given["queue_config"], "TrainingJobName", "AlgorithmSpecification"):
        assert made[key] == wanted[key], key
    assert all(tag in made["Tags"] for tag in wanted["Tags"])


def test_entry_point_and_arguments_are_apart_as_wandb_has_them() -> None:
    case = CASES["sm-entrypoint-and-args"]
    given = case["input"]
    fields = {"entry_point": tuple(given["entrypoint"]), "args": tuple(given["args"])}
    made = request(bound(given["queue_config"], **fields))
    wanted = case["expected"]["AlgorithmSpecification"]
    assert made["AlgorithmSpecification"] == wanted | {"TrainingImage": IMAGE}


def test_a_name_with_macros_is_filled() -> None:
    case = CASES["sm-job-name-macro"]
    args = config(**case["input"]["queue_config"])
    made = request(bound(args, run_id="abcd1234", project="proj"))
    assert made["TrainingJobName"] == case["expected"]["TrainingJobName"]


def test_an_image_is_put_into_what_the_queue_says_of_the_algorithm() -> None:
    case = CASES["sm-algospec-merge"]
    given = case["input"]["queue_config"]["AlgorithmSpecification"]
    started = Started(image=case["input"]["job_image"], entry_point=(), arguments=())
    assert merged_algorithm(given, started) == case["expected"]["AlgorithmSpecification"]


def test_variables_of_the_queue_are_stronger_than_those_of_every_run() -> None:
    case = CASES["sm-env-user-wins-and-tags"]
    args = config(**case["input"]["queue_config"])
    made = request(bound(args, run_id=case["input"]["run_id"], project="p"))
    assert made["Environment"]["A"] == "1"
    assert made["Environment"]["WANDB_PROJECT"] == "mine"
    assert made["Tags"][:2] == case["expected"]["Tags"]


def test_variables_of_a_launch_are_stronger_than_those_of_the_queue() -> None:
    made = request(bound(config(Environment={"A": "queue", "B": "queue"}), env={"A": "launch"}))
    assert (made["Environment"]["A"], made["Environment"]["B"]) == ("launch", "queue")


def test_what_launchkit_says_of_a_run_is_no_queues_to_say() -> None:
    given = {"LAUNCHKIT_ITEM_ID": "forged", "LAUNCHKIT_RUN_TOKEN": "forged", "MINE": "kept"}
    env = request(bound(config(Environment=given)))["Environment"]
    assert env["LAUNCHKIT_ITEM_ID"] == env["WANDB_LAUNCH_TRACE_ID"] != "forged"
    assert "LAUNCHKIT_RUN_TOKEN" not in env
    assert env["MINE"] == "kept"


def test_snake_case_is_camel_case_at_every_level() -> None:
    args = {
        "role_arn": "job",
        "resource_config": {"instance_type": "ml.m5.large", "volume_size_in_gb": 5},
        "ResourceConfig": {"InstanceCount": 2},
        "output_data_config": {"s3_output_path": "s3://b/o"},
        "stopping_condition": {"max_runtime_in_seconds": "60"},
        "environment": {"lower_case": "stays"},
        "hyper_parameters": {"learning_rate": 0.1},
        "region": "us-west-2",
        "profile": "p",
        "EcrRepoName": None,
    }
    made = request(bound(args))
    assert made["ResourceConfig"] == {
        "InstanceType": "ml.m5.large",
        "InstanceCount": 2,
        "VolumeSizeInGB": 5,
    }
    assert made["OutputDataConfig"] == {"S3OutputPath": "s3://b/o"}
    assert made["StoppingCondition"] == {"MaxRuntimeInSeconds": 60}
    assert made["Environment"]["lower_case"] == "stays"
    assert made["HyperParameters"] == {"learning_rate": "0.1"}


def test_what_is_filled_in_later_is_let_pass() -> None:
    check_args(
        config(
            RoleArn="${role}",
            ResourceConfig={"InstanceType": "{{type}}", "InstanceCount": "{{count}}"},
            TrainingJobName="train_${run_id}",
        )
    )


def test_a_count_of_a_template_variable_is_a_number() -> None:
    args = config(ResourceConfig={"InstanceType": "ml.m4.xlarge", "InstanceCount": "3"})
    assert request(bound(args))["ResourceConfig"]["InstanceCount"] == 3


@pytest.mark.parametrize(
    ("run_id", "attempt", "given", "name"),
    [
        ("abcd1234", 1, None, "abcd1234"),
        ("abcd1234", 2, None, "abcd1234-2"),
        ("my_run.7", 1, None, "my-run-7-"),
        ("r" * 80, 1, None, "r" * 54 + "-"),
        ("-", 1, None, "run-"),
        ("abcd1234", 1, "train", "train"),
        ("abcd1234", 3, "train", "train-3"),
        ("abcd1234", 1, "über die Maßen", "ber-die-Ma-en-"),
    ],
)
def test_a_name_is_the_same_each_time_and_one_that_sagemaker_takes(
    run_id: str, attempt: int, given: str | None, name: str
) -> None:
    one = submission(run_id=run_id, attempt=attempt)
    made = job_name(given, one)
    assert made == job_name(given, one)
    assert made.startswith(name)
    assert len(made) <= 63
    assert request(submission(run_id=run_id, attempt=attempt))["TrainingJobName"]


def test_names_that_are_changed_stay_different() -> None:
    names = {job_name(None, submission(run_id=one)) for one in ("a_b", "a.b", "a b", "a--b", "a-b")}
    assert len(names) == 5


def test_a_long_config_of_a_run_is_cut_into_pieces() -> None:
    case = CASES["env-max-lengths"]
    longest = case["expected"]["SageMakerRunner"]
    env = request(bound(config(), config={"text": "x" * 1200}))["Environment"]
    pieces = [env[f"WANDB_CONFIG_{i}"] for i in range(3)]
    assert json.loads("".join(pieces)) == {"text": "x" * 1200}
    assert max(map(len, env.values())) == longest
    assert "LAUNCHKIT_RUN_CONFIG" not in env


def test_secrets_are_masked_where_a_request_is_shown() -> None:
    one = bound(config(), environ={"TOKEN": Secret("hidden")})
    assert request(one)["Environment"]["TOKEN"] == "hidden"
    assert request(one, masks=True)["Environment"]["TOKEN"] == "…"


def test_a_secret_in_the_place_of_a_number_is_not_shown() -> None:
    one = bound(config(StoppingCondition={"MaxRuntimeInSeconds": Secret("0012345")}))
    shown = request(one, masks=True)
    assert shown["StoppingCondition"] == {"MaxRuntimeInSeconds": 12345}
    assert "12345" not in json.dumps(without_queue_secrets({"request": shown}, ["0012345"]))


def test_an_image_of_the_queue_runs_without_the_jobs_entry_point() -> None:
    own = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/own:2"
    args = config(AlgorithmSpecification={"TrainingImage": own, "TrainingInputMode": "Pipe"})
    fields: dict[str, Any] = {"entry_point": ("python", "x.py"), "args": ("--a",)}
    made = request(bound(args, **fields))["AlgorithmSpecification"]
    assert made == {"TrainingImage": own, "TrainingInputMode": "Pipe"}
    origins = {"entry_point": "launch", "args": "launch"}
    made = request(bound(args, **fields, origins=origins))["AlgorithmSpecification"]
    assert made["ContainerEntrypoint"] == ["python", "x.py"]
    assert made["ContainerArguments"] == ["--a"]


def test_the_jobs_own_image_in_the_queue_config_is_no_other() -> None:
    args = config(AlgorithmSpecification={"TrainingImage": "${image_uri}"})
    made = request(bound(args, entry_point=("train",)))["AlgorithmSpecification"]
    assert made["ContainerEntrypoint"] == ["train"]
    assert made["TrainingImage"] == IMAGE


def test_a_provided_algorithm_needs_no_image() -> None:
    args = config(AlgorithmSpecification={"AlgorithmName": "xgboost", "TrainingInputMode": "File"})
    made = request(bound(args, image=None))["AlgorithmSpecification"]
    assert made == {"AlgorithmName": "xgboost", "TrainingInputMode": "File"}


def test_a_registry_in_the_vpc_is_the_queues_own_choice() -> None:
    access = {"TrainingRepositoryAccessMode": "Vpc"}
    args = config(AlgorithmSpecification={"TrainingImageConfig": access})
    made = request(bound(args, image="registry.corp:5000/train:1"))
    assert made["AlgorithmSpecification"]["TrainingImage"] == "registry.corp:5000/train:1"


def test_two_launches_with_other_instances_differ_in_just_that() -> None:
    fields = {"run_id": "r", "item_id": "i"}
    types = ("ml.m4.xlarge", "ml.g5.xlarge")
    one, other = (
        request(bound(config(ResourceConfig={"InstanceType": kind, "InstanceCount": 1}), **fields))
        for kind in types
    )
    assert {key for key in one if one[key] != other[key]} == {"ResourceConfig"}


def test_a_role_path_and_another_partition_are_kept() -> None:
    account = Account(id=ACCOUNT, partition="aws-cn")
    context = RequestContext(agent="a", region=REGION, account=account)
    one = bound(config(RoleArn="service-role/train"))
    made = request_of(parse_args(one.resource_args), one, context)
    assert made["RoleArn"] == f"arn:aws-cn:iam::{ACCOUNT}:role/service-role/train"


def test_spot_without_checkpoints_is_warned_of() -> None:
    condition = {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 90}
    spot = config(EnableManagedSpotTraining="true", StoppingCondition=condition)
    assert parse_args(spot).warnings == (NO_CHECKPOINTS,)
    spot["CheckpointConfig"] = {"S3Uri": "s3://b/c"}
    assert parse_args(spot).warnings == ()
