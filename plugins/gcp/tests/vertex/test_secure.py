"""What a launch may choose of a config where the agent is in secure mode."""

from launchkit_gcp.vertex.runner import VertexRunner
from secure_fields import check_all_are_closed


def test_in_secure_mode_no_field_is_a_launchs_to_choose() -> None:
    assert check_all_are_closed(VertexRunner) > 15
