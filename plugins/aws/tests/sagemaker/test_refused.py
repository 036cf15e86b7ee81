"""What no training job could be made of is refused, with its path and what to do."""

from typing import Any

import pytest
from launchkit_aws.sagemaker.args import check_args, parse_args
from launchkit_aws.sagemaker.request import (
    RequestContext,
    request_of,
)

from launchkit.errors import LaunchError, Rejected, SubmitError
from launchkit.model import Secret

from .fake import ACCOUNT, REGION
from .making import config
from .requesting import SEED, bound, refused, request


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


def test_a_launch_without_an_image_is_refused() -> None:
    with pytest.raises(SubmitError, match="there is no image to run"):
        request(bound(config(), image=None))


@pytest.mark.parametrize(
    "args", [{"sagemaker": 3}, {1: 2}, {"Tags": [float("nan")]}, {"a" * 9999: 1}]
)
def test_what_is_no_config_at_all_is_a_launch_error(args: Any) -> None:
    with pytest.raises(LaunchError):
        check_args(args)
