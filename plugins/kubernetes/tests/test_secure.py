"""What a launch may choose of a config where the agent is in secure mode."""

from dataclasses import replace
from typing import Any

import pytest
from launchkit_kubernetes.runner import KubernetesRunner
from secure_fields import check_all_are_closed, check_programs_are_closed

from launchkit.abc import Policy
from launchkit.errors import Rejected
from launchkit.resolving.policy import check_policy
from launchkit.testing import make_launch

RAY: dict[str, Any] = {"apiVersion": "ray.io/v1", "kind": "RayJob"}


def test_in_secure_mode_no_field_is_a_launchs_to_choose() -> None:
    assert check_all_are_closed(KubernetesRunner) > 50


def test_in_secure_mode_a_word_for_all_opens_no_program_of_a_launch() -> None:
    assert check_programs_are_closed(KubernetesRunner) >= 4


@pytest.mark.parametrize(
    "place",
    [
        "spec.entrypoint",
        "spec.submitterPodTemplate.spec.containers[0].args[0]",
        "spec.templates[0].container.args[0]",
        "spec.mainApplicationFile",
        "spec.arguments[0]",
        "spec.runtimeEnvYAML",
        "spec.rayClusterSpec.headGroupSpec.rayStartParams.labels",
        "spec.sparkConf.spark.driver.extraJavaOptions",
        "spec.sparkConf.spark.kubernetes.driver.memory",
        "spec.deps.jars[0]",
        "spec.a.containers[0].env[0].value",
        "spec.whatNobodyKnows",
        "kind",
        "apiVersion",
    ],
)
def test_in_secure_mode_no_launch_says_what_a_custom_resource_starts(place: str) -> None:
    wide = Policy(secure_mode=True, launch_may_set=("resource_args",))
    launch = replace(make_launch(resource_args=RAY), origins={f"resource_args.{place}": "launch"})
    with pytest.raises(Rejected) as refused:
        check_policy(launch, wide, KubernetesRunner)
    assert f"{place}: a launch cannot choose it" in refused.value.message
    queues = replace(launch, origins={f"resource_args.{place}": "queue"})
    check_policy(queues, wide, KubernetesRunner)


@pytest.mark.parametrize("field", ["env[0].value", "envFrom[0]", "volumeMounts[0].name"])
def test_in_secure_mode_a_word_for_all_opens_no_variables_of_a_job(field: str) -> None:
    wide = Policy(secure_mode=True, launch_may_set=("resource_args",))
    place = f"resource_args.spec.template.spec.containers[0].{field}"
    with pytest.raises(Rejected, match="a launch cannot choose it"):
        check_policy(replace(make_launch(), origins={place: "launch"}), wide, KubernetesRunner)


@pytest.mark.parametrize("word", ["resource_args", "resource_args.spec", "resource_args.*"])
def test_in_secure_mode_a_word_for_all_opens_what_is_known_to_be_harmless(word: str) -> None:
    wide = Policy(secure_mode=True, launch_may_set=(word,))
    launch = make_launch(resource_args=RAY)
    for place in ("a.containers[0].resources.limits.cpu", "workerGroupSpecs[0].replicas"):
        check_policy(
            replace(launch, origins={f"resource_args.spec.{place}": "launch"}),
            wide,
            KubernetesRunner,
        )
    own = replace(launch, origins={"resource_args.spec.own.thing": "launch"})
    with pytest.raises(Rejected):
        check_policy(own, wide, KubernetesRunner)
    named = Policy(secure_mode=True, launch_may_set=(word, "resource_args.spec.own"))
    check_policy(own, named, KubernetesRunner)
