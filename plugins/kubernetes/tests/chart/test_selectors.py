"""By which labels the chart's Services and controllers choose their pods among all there are."""

import pytest
from launchkit_kubernetes.runner import KubernetesRunner

from launchkit.abc import Policy
from launchkit.errors import Rejected
from launchkit.resolving.policy import check_policy
from launchkit.testing import make_launch

from .charts import WITH_SERVER, need_helm, render

SEVERAL = {"agent": {"replicas": 2, "podDisruptionBudget": {"enabled": True}}}


@pytest.fixture(autouse=True)
def helm() -> None:
    need_helm()


def test_no_run_can_have_the_labels_by_which_pods_of_the_chart_are_chosen() -> None:
    """It would be sent tokens of agents and people in place of the queue service."""
    specs = [one["spec"] for one in render(WITH_SERVER, SEVERAL).objects if "spec" in one]
    selectors = [spec["selector"] for spec in specs if "selector" in spec]
    assert len(selectors) == 6
    for selector in selectors:
        labels = selector.get("matchLabels", selector)
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"image": "a"}]}}
        launch = make_launch(resource_args={"spec": {"template": template}})
        with pytest.raises(Rejected, match="launchkit/component is a name of launchkit's own"):
            check_policy(launch, Policy(), KubernetesRunner)
