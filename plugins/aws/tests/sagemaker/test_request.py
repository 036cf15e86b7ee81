"""A queue's config becomes a CreateTrainingJob request that AWS's own model takes."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.validate import ParamValidator
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

from launchkit.abc import Policy
from launchkit.errors import LaunchError, Rejected, SubmitError
from launchkit.model import Image, ImageSource, Secret, Submission
from launchkit.resolving.bind import AgentSide, bind
from launchkit.testing import make_launch

from .fake import ACCOUNT, REGION, faults, model_of
from .making import IMAGE, config, submission

CASES: dict[str, dict[str, Any]] = {
    case["id"]: case
    for case in yaml.safe_load(
        (Path(__file__).parent / "data" / "wandb_cases.yaml").read_text(encoding="utf-8")
    )["cases"]
}
CONTEXT = RequestContext(agent="a", region=REGION, account=Account(id=ACCOUNT, partition="aws"))
SEED = json.loads("""{
  "RoleArn": "<REQUIRED>",
  "ResourceConfig": {
      "InstanceType": "ml.m4.xlarge",
      "InstanceCount": 1,
      "VolumeSizeInGB": 2
  },
  "OutputDataConfig": {
      "S3OutputPath": "<REQUIRED>"
  },
  "StoppingCondition": {
      "MaxRuntimeInSeconds": 3600
  }
}""")


def bound(
    given: dict[str, Any], /, *, image: str | None = IMAGE, environ: Any = None, **fields: Any
) -> Submission:
    """A submission as the agent makes it, with macros filled and all variables."""
    source = ImageSource(image=IMAGE)
    launch = make_launch(resource="sagemaker", source=source, resource_args=given, **fields)
    agent = AgentSide(policy=Policy(), environ={}, extra_env=environ or {})
    made = Image(ref=image) if image else None
    return bind(launch, image=made, code=None, runner=SageMakerRunner, agent=agent).submission


def request(one: Submission, **context: Any) -> dict[str, Any]:
    """The request, which AWS's model takes."""
    made = request_of(parse_args(one.resource_args), one, CONTEXT, **context)
    shape = model_of("sagemaker").operation_model("CreateTrainingJob").input_shape
    assert not ParamValidator().validate(made, shape).has_errors()
    assert [*faults(shape, made)] == []
    return made


def refused(args: Any) -> list[str]:
    """The lines with which a config is refused."""
    with pytest.raises(Rejected) as caught:
        check_args(args)
    return caught.value.message.splitlines()


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


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("RoleArn", "RoleArn"),
        ("OutputDataConfig", "OutputDataConfig.S3OutputPath"),
        ("ResourceConfig", "ResourceConfig"),
        ("StoppingCondition", "StoppingCondition"),
    ],
)
def test_what_is_missing_is_named(key: str, path: str) -> None:
    args = config()
    del args[key]
    assert refused(args) == [f"resource_args.{path}: is missing; SageMaker needs it"]


def test_what_is_to_be_filled_in_is_named() -> None:
    assert refused(SEED) == [
        "resource_args.RoleArn: is still to be filled in: it is <REQUIRED>",
        "resource_args.OutputDataConfig.S3OutputPath: is still to be filled in: it is <REQUIRED>",
    ]


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth else "x"


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"Rolearn": "r"}, "resource_args.Rolearn: "),
        (
            {"ResourceConfig": {"InstanceTyp": "ml.m4"}},
            "resource_args.ResourceConfig.InstanceTyp: ",
        ),
        (
            {"ResourceConfig": {"InstanceCount": "two"}},
            "resource_args.ResourceConfig.InstanceCount: must be a whole number, not 'two'",
        ),
        (
            {"ResourceConfig": {"InstanceType": "m4.xlarge"}},
            "resource_args.ResourceConfig.InstanceType: 'm4.xlarge' does not look as it has to",
        ),
        (
            {"output_data_config": {"s3_output_path": "bucket/out"}},
            "resource_args.output_data_config.s3_output_path: 'bucket/out' does not look",
        ),
        (
            {"AlgorithmSpecification": {"TrainingInputMode": "file"}},
            "resource_args.AlgorithmSpecification.TrainingInputMode: 'file' is none of Pipe, File",
        ),
        ({"Environment": {"a-b": "1"}}, "resource_args.Environment.a-b: the name 'a-b' does not"),
        (
            {"Environment": {"A": "x" * 513}},
            "resource_args.Environment.A: has 513 letters, and 512",
        ),
        ({"Environment": {f"V{n}": "1" for n in range(101)}}, "resource_args.Environment: has 101"),
        ({"Tags": {"a": "b"}}, "resource_args.Tags: must be a list, not a mapping"),
        (
            {"Tags": [{"Key": "aws:x", "Value": ""}]},
            "resource_args.Tags[0].Key: 'aws:x' is not for",
        ),
        ({"Tags": [{"Key": "a"}]}, "resource_args.Tags[0].Value: is missing"),
        (
            {"Tags": [{"Key": str(n), "Value": ""} for n in range(42)]},
            "resource_args.Tags: has 42 tags; 41 are the most",
        ),
        ({"TrainingJobName": "a_b"}, "resource_args.TrainingJobName: 'a_b' is no name"),
        ({"TrainingJobName": "a-"}, "resource_args.TrainingJobName: 'a-' is no name"),
        (
            {"EnableManagedSpotTraining": True},
            "resource_args.StoppingCondition.MaxWaitTimeInSeconds: is missing; spot instances",
        ),
        (
            {
                "EnableManagedSpotTraining": True,
                "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 30},
            },
            "resource_args.StoppingCondition.MaxWaitTimeInSeconds: 30 is less than",
        ),
        ({"role_arn": "other"}, "resource_args.role_arn: is given twice; RoleArn is the same key"),
        (
            {"AlgorithmSpecification": {"TrainingImage": "i", "AlgorithmName": "a"}},
            "resource_args.AlgorithmSpecification: has TrainingImage and AlgorithmName",
        ),
        ({"VpcConfig": {"Subnets": nested(60)}}, "resource_args.VpcConfig.Subnets[0]"),
        ({"mirror_image": "perhaps"}, "resource_args.mirror_image: must be true or false"),
    ],
)
def test_what_is_wrong_is_named_with_its_path(fields: dict[str, Any], line: str) -> None:
    assert any(one.startswith(line) for one in refused(config(**fields))), refused(config(**fields))


def test_a_wrapping_key_is_in_the_path() -> None:
    assert refused({"sagemaker": config(RoleArn=1.5j)})[0].startswith(
        "resource_args.sagemaker.RoleArn: must be text"
    )
    check_args({"sagemaker": config()})


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


def test_too_many_and_too_long_variables_are_named_without_their_values() -> None:
    secret = Secret("s" * 513)
    with pytest.raises(Rejected, match=r"^env\.TOKEN: has 513 letters") as caught:
        request(bound(config(), environ={"TOKEN": secret}))
    assert secret not in f"{caught.value} {caught.value.hint}"
    with pytest.raises(Rejected, match=r"^env: there are 1\d\d variables, and SageMaker takes 100"):
        request(bound(config(), env={f"V{i}": "1" for i in range(100)}))


def test_a_long_argument_is_named() -> None:
    with pytest.raises(Rejected, match=r"ContainerArguments\[1\]: has 300 letters, and 256"):
        request(bound(config(), entry_point=("train",), args=("a", "x" * 300)))


def test_secrets_are_masked_where_a_request_is_shown() -> None:
    one = bound(config(), environ={"TOKEN": Secret("hidden")})
    assert request(one)["Environment"]["TOKEN"] == "hidden"
    assert request(one, masks=True)["Environment"]["TOKEN"] == "…"


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


@pytest.mark.parametrize(
    ("image", "hint"),
    [
        ("python:3.12", "mirror_image: true"),
        ("ghcr.io/team/train:1", "push it to ECR"),
        (f"{ACCOUNT}.ecr.{REGION}.amazonaws.com/train:1", f"{ACCOUNT}.dkr.ecr.{REGION}"),
        (f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/train:1", "push it to a repository in"),
    ],
)
def test_an_image_that_sagemaker_cannot_have_is_refused(image: str, hint: str) -> None:
    with pytest.raises(SubmitError, match="SageMaker") as caught:
        request(bound(config(), image=image))
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    ("image", "region"),
    [
        (f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn/train:1", "cn-north-1"),
        (f"{ACCOUNT}.dkr.ecr-fips.us-gov-west-1.amazonaws.com/train:1", "us-gov-west-1"),
        (f"{ACCOUNT}.dkr-ecr.us-east-1.on.aws/team/train@sha256:{'0' * 64}", "us-east-1"),
    ],
)
def test_hosts_of_all_partitions_are_ecr(image: str, region: str) -> None:
    context = RequestContext(agent="a", region=region)
    one = bound(config(), image=image)
    made = request_of(parse_args(one.resource_args), one, context)
    assert made["AlgorithmSpecification"]["TrainingImage"] == image


def test_a_registry_in_the_vpc_is_the_queues_own_choice() -> None:
    access = {"TrainingRepositoryAccessMode": "Vpc"}
    args = config(AlgorithmSpecification={"TrainingImageConfig": access})
    made = request(bound(args, image="registry.corp:5000/train:1"))
    assert made["AlgorithmSpecification"]["TrainingImage"] == "registry.corp:5000/train:1"


def test_a_launch_without_an_image_is_refused() -> None:
    with pytest.raises(SubmitError, match="there is no image to run"):
        request(bound(config(), image=None))


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


@pytest.mark.parametrize(
    "args", [{"sagemaker": 3}, {1: 2}, {"Tags": [float("nan")]}, {"a" * 9999: 1}]
)
def test_what_is_no_config_at_all_is_a_launch_error(args: Any) -> None:
    with pytest.raises(LaunchError):
        check_args(args)
