"""What a launch may choose of a config where the agent is in secure mode."""

from dataclasses import replace

import pytest
from launchkit_aws.sagemaker.runner import SageMakerRunner
from secure_fields import check_all_are_closed, check_programs_are_closed, is_chosen

from launchkit.abc import Policy
from launchkit.errors import Rejected
from launchkit.resolving.policy import check_filled

from .making import IMAGE, config, submission

SECURE = Policy(secure_mode=True)


def test_in_secure_mode_no_field_is_a_launchs_to_choose() -> None:
    assert check_all_are_closed(SageMakerRunner) > 50


def test_in_secure_mode_a_word_for_all_opens_no_program_of_a_launch() -> None:
    assert check_programs_are_closed(SageMakerRunner) >= 4


@pytest.mark.parametrize("word", ["resource_args", "resource_args.*", "resource_args.E*"])
@pytest.mark.parametrize(
    "place",
    [
        *("Environment.PATH", "HyperParameters.any", "InputDataConfig[0].DataSource", "RoleArn"),
        *("AlgorithmSpecification.TrainingImage", "VpcConfig.Subnets[0]", "Tags[0].Value"),
        "EnableNetworkIsolation",
    ],
)
def test_in_secure_mode_a_word_for_all_opens_machines_and_times_alone(
    word: str, place: str
) -> None:
    assert not is_chosen(SageMakerRunner, word, f"resource_args.{place}")
    named = place.partition("[")[0]
    assert is_chosen(SageMakerRunner, f"resource_args.{named}", f"resource_args.{place}")
    machine = "resource_args.ResourceConfig.InstanceType"
    for wide in ("resource_args", "resource_args.*", "resource_args.ResourceConfig"):
        assert is_chosen(SageMakerRunner, wide, machine)


def test_in_secure_mode_arguments_are_not_what_an_image_of_the_queue_runs() -> None:
    other = {"TrainingImage": IMAGE.replace("train", "other")}
    started = {**other, "ContainerEntrypoint": ["serve"]}
    made = submission("train", args=config(AlgorithmSpecification=other))
    who = {"origins": {"args": "launch"}, "chosen": {("args",): "launch"}}
    launch = replace(made.launch, args=("sh",), **who)
    made = replace(made, launch=launch, command=("train", "sh"))
    with pytest.raises(Rejected, match="\nargs: without an entry point"):
        check_filled(made, SECURE, SageMakerRunner)
    for args in (config(), config(AlgorithmSpecification=started)):
        check_filled(replace(made, resource_args=args), SECURE, SageMakerRunner)


def test_a_tag_of_launchkits_own_is_none_for_a_macro_to_make() -> None:
    filled = config(Tags=[{"Key": "launchkit:over", "Value": "x"}])
    with pytest.raises(Rejected, match=r"Tags\[0\].Key: launchkit:over is a name of launchkit"):
        check_filled(submission("train", args=filled), Policy(), SageMakerRunner)
