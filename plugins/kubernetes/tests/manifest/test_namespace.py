"""A launch is in the namespace of its queue."""

from dataclasses import replace
from typing import Any

import pytest
from launchkit_kubernetes.manifest.args import parse_args
from launchkit_kubernetes.manifest.build import workload_of
from launchkit_kubernetes.runner import KubernetesRunner
from secure_fields import launched

from launchkit.errors import Rejected
from launchkit.model import Launch, Variable
from launchkit.testing import make_submission

from .making import CONTEXT

OF_QUEUE: list[dict[str, Any]] = [
    {"namespace": "vision"},
    {"metadata": {"namespace": "vision"}},
    {"metadata": {"namespace": "vision"}, "namespace": "speech"},
    {"kubernetes": {"namespace": "vision"}},
]


def namespace(launch: Launch, *, strict: bool = False) -> str:
    """Where its object is made."""
    made = make_submission(launch=launch, image="img:1")
    args = parse_args(made.resource_args)
    return workload_of(args, made, replace(CONTEXT, strict=strict)).ref.namespace


def choosing(config: dict[str, Any], resource_args: dict[str, Any]) -> Launch:
    return launched(config, resource_args, KubernetesRunner)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("config", OF_QUEUE)
@pytest.mark.parametrize(
    "resource_args",
    [
        {"metadata": {"namespace": "speech"}},
        {"namespace": "speech", "metadata": {"namespace": "${run_id}"}},
        {"kubernetes": {"metadata": {"namespace": "speech"}}},
        {"metadata": None, "namespace": None},
        {"metadata": {"namespace": None}, "namespace": "speech"},
        {"metadata": {"namespace": ""}, "namespace": ""},
    ],
)
def test_no_launch_leads_out_of_the_namespace_of_its_queue(
    config: dict[str, Any], resource_args: dict[str, Any], strict: bool
) -> None:
    assert namespace(choosing(config, {"requeue": False}), strict=strict) == "vision"
    with pytest.raises(Rejected, match="a launch has the namespace of its queue, vision") as told:
        namespace(choosing(config, resource_args), strict=strict)
    assert told.value.hint


def test_a_launch_may_repeat_the_namespace_of_its_queue() -> None:
    assert namespace(choosing(OF_QUEUE[0], OF_QUEUE[0]), strict=True) == "vision"


def test_a_template_variable_opens_the_namespace_as_far_as_it_goes() -> None:
    config = {"namespace": "team-{{team}}"}
    team = Variable(type="string", default="a")
    launch = launched(config, {}, KubernetesRunner, team=team)
    assert namespace(launch, strict=True) == "team-a"


@pytest.mark.parametrize(
    "resource_args", [{"namespace": "speech"}, {"metadata": {"namespace": "speech"}}]
)
def test_a_launch_names_a_namespace_where_its_queue_names_none_and_no_strict_policy_is_set(
    resource_args: dict[str, Any],
) -> None:
    launch = choosing({"requeue": True}, resource_args)
    assert namespace(launch) == "speech"
    with pytest.raises(Rejected, match="namespace: a launch cannot choose it under a strict"):
        namespace(launch, strict=True)
    origins = dict.fromkeys(launch.origins, "job")
    with pytest.raises(Rejected, match="namespace: a job cannot choose it under a strict policy"):
        namespace(replace(launch, origins=origins), strict=True)
    assert namespace(choosing({"requeue": True}, {"requeue": False}), strict=True) == "default"
