"""What a launch may choose of a config where the agent is in secure mode."""

from dataclasses import replace

import pytest
from launchkit_gcp.vertex.runner import VertexRunner
from secure_fields import check_all_are_closed, check_programs_are_closed, is_chosen

from launchkit.abc import Policy
from launchkit.errors import Rejected
from launchkit.resolving.policy import check_filled

from .making import config, pool, submission

OTHER = "us-docker.pkg.dev/other/repo/image:1"


def test_in_secure_mode_no_field_is_a_launchs_to_choose() -> None:
    assert check_all_are_closed(VertexRunner) > 15


def test_in_secure_mode_a_word_for_all_opens_no_program_of_a_launch() -> None:
    assert check_programs_are_closed(VertexRunner) >= 5


@pytest.mark.parametrize("word", ["resource_args", "resource_args.*", "resource_args.spec"])
@pytest.mark.parametrize(
    "place",
    [
        "spec.worker_pool_specs[0].container_spec.env[0].value",
        "spec.worker_pool_specs[0].container_spec.image_uri",
        "spec.worker_pool_specs[0].nfs_mounts[0].server",
        "spec.worker_pool_specs[0].lustre_mounts[0].mount_point",
        "spec.labels.team",
    ],
)
def test_in_secure_mode_a_word_for_all_opens_machines_and_times_alone(
    word: str, place: str
) -> None:
    assert not is_chosen(VertexRunner, word, f"resource_args.{place}")
    assert not is_chosen(VertexRunner, "resource_args", "resource_args.run.service_account")
    assert is_chosen(VertexRunner, f"resource_args.{place}", f"resource_args.{place}")
    machine = "resource_args.spec.worker_pool_specs[0].machine_spec.machine_type"
    assert is_chosen(VertexRunner, word, machine)
    assert is_chosen(VertexRunner, "resource_args", "resource_args.run.timeout")


def test_in_secure_mode_arguments_are_not_what_an_image_of_the_queue_runs() -> None:
    args = config(worker_pool_specs=[pool(container_spec={"image_uri": OTHER})])
    made = submission("train", args=args)
    who = {"origins": {"args": "launch"}, "chosen": {("args",): "launch"}}
    launch = replace(made.launch, args=("sh",), **who)
    made = replace(made, launch=launch, command=("train", "sh"))
    with pytest.raises(Rejected, match="\nargs: without an entry point"):
        check_filled(made, Policy(secure_mode=True), VertexRunner)
    own = replace(made, resource_args=config())
    check_filled(own, Policy(secure_mode=True), VertexRunner)
