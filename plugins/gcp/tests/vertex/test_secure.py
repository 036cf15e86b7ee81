"""What a launch may choose of a config where the agent is in secure mode."""

from dataclasses import replace

import pytest
from launchkit_gcp.vertex.runner import VertexRunner
from secure_fields import check_all_are_closed, check_programs_are_closed

from launchkit.abc import Policy
from launchkit.errors import Rejected
from launchkit.resolving.policy import check_filled

from .making import config, pool, submission

OTHER = "us-docker.pkg.dev/other/repo/image:1"


def test_in_secure_mode_no_field_is_a_launchs_to_choose() -> None:
    assert check_all_are_closed(VertexRunner) > 15


def test_in_secure_mode_a_word_for_all_opens_no_program_of_a_launch() -> None:
    assert check_programs_are_closed(VertexRunner) >= 5


def test_in_secure_mode_arguments_are_not_what_an_image_of_the_queue_runs() -> None:
    args = config(worker_pool_specs=[pool(container_spec={"image_uri": OTHER})])
    made = submission("train", args=args)
    launch = replace(made.launch, args=("sh",), origins={"args": "launch"})
    made = replace(made, launch=launch, command=("train", "sh"))
    with pytest.raises(Rejected, match="\nargs: without an entry point"):
        check_filled(made, Policy(secure_mode=True), VertexRunner)
    own = replace(made, resource_args=config())
    check_filled(own, Policy(secure_mode=True), VertexRunner)
