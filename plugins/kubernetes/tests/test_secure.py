"""What a launch may choose of a config where the agent is in secure mode."""

from launchkit_kubernetes.runner import KubernetesRunner
from secure_fields import check_all_are_closed


def test_in_secure_mode_no_field_is_a_launchs_to_choose() -> None:
    assert check_all_are_closed(KubernetesRunner) > 50
