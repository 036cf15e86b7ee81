"""What a launch may choose of a config where the agent is in secure mode."""

from dataclasses import replace
from typing import Any

import pytest
from launchkit_kubernetes.runner import KubernetesRunner
from secure_fields import check_all_are_closed, check_programs_are_closed, is_chosen, launched

from launchkit.abc import Policy
from launchkit.errors import Rejected
from launchkit.resolving.policy import check_policy
from launchkit.testing import make_launch

WIDE = ("resource_args", "resource_args.spec", "resource_args.*")
SECURE = Policy(secure_mode=True, launch_may_set=WIDE)
SECURE_ALONE = Policy(secure_mode=True)
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
        "spec.serviceAccount",
        "metadata.labels.team",
        "spec.deps.jars[0]",
        "spec.a.containers[0].env[0].value",
        "spec.whatNobodyKnows",
        "kind",
        "apiVersion",
        "spec.env.memory",
        "spec.replicas.worker.template.spec.image",
        "spec.memory.command.x",
        "spec.memory[0]",
        "spec.memory.-.command",
        "spec.instances[0].containers[0].image",
        "spec.instances[0].containers[0].args[0]",
        "spec.priority.x.y",
        "spec.affinity.args[0]",
        "spec.affinity.nodeAffinity.image",
        "spec.nodeSelector.container.image",
        "spec.nodeSelector.args[0]",
        "spec.tolerations[0].image",
        "spec.topologySpreadConstraints[0].containers[0].image",
        "spec.resources.limits.sidecar.image",
        "spec.arguments.parameters[0].memory",
        "spec.driver.envSecretKeyRefs.nodeSelector.name",
        "spec.driver.envSecretKeyRefs.tolerations.key",
        "spec.driver.secrets.nodeSelector.name",
        "spec.driver.secrets[0].priority",
        "spec.hooks.nodeSelector.template",
        "spec.templates[0].hooks.nodeSelector.template",
        "spec.values.tolerations.value",
        "spec.configMapData.priority",
        "spec.plugins.svc.priority",
        "data.memory",
    ],
)
def test_in_secure_mode_no_launch_says_what_a_custom_resource_starts(place: str) -> None:
    for word in WIDE:
        assert not is_chosen(KubernetesRunner, word, f"resource_args.{place}", RAY)
    assert is_chosen(KubernetesRunner, f"resource_args.{place}", f"resource_args.{place}", RAY)


@pytest.mark.parametrize("key", ["spark.kubernetes.driver.memory", "memory", "resources"])
def test_in_secure_mode_a_name_of_an_owners_own_is_no_harmless_key(key: str) -> None:
    chosen = {("resource_args", "spec", "sparkConf", key): "launch"}
    launch = replace(make_launch(resource_args=RAY), chosen=chosen)
    with pytest.raises(Rejected, match="a launch cannot choose it"):
        check_policy(launch, SECURE, KubernetesRunner)
    named = replace(SECURE, launch_may_set=("resource_args.spec.sparkConf",))
    check_policy(launch, named, KubernetesRunner)


@pytest.mark.parametrize(
    "field",
    [
        *("containers[0].env[0].value", "containers[0].envFrom[0]", "containers[0].image"),
        *("containers[0].volumeMounts[0].name", "volumes[0].configMap.name", "serviceAccountName"),
        *("containers", "containers[0].securityContext.runAsUser", "runtimeClassName"),
    ],
)
def test_in_secure_mode_a_word_for_all_opens_no_program_of_a_job(field: str) -> None:
    place = f"resource_args.spec.template.spec.{field}"
    for word in (*WIDE, "resource_args.spec.template.spec"):
        assert not is_chosen(KubernetesRunner, word, place)
    assert is_chosen(KubernetesRunner, place, place)


TERM = "requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]"
HARMLESS = (
    "a.containers[0].resources.limits.cpu",
    "rayClusterSpec.workerGroupSpecs[0].replicas",
    "a.spec.nodeSelector.args",
    "driver.nodeSelector.disk",
    "templates[0].nodeSelector.disk",
    "a.spec.tolerations[0].value",
    f"a.spec.affinity.nodeAffinity.{TERM}.matchExpressions[0].values[0]",
    "a.spec.topologySpreadConstraints[0].labelSelector.matchLabels.app",
    "a.spec.topologySpreadConstraints[0].matchLabelKeys[0]",
    "pytorchReplicaSpecs.Worker.replicas",
    "replicatedJobs[1].replicas",
    "tasks[0].replicas",
    "trainer.numNodes",
    "executor.instances",
    "jobManager.resource.memory",
    "runPolicy.backoffLimit",
    "replicas",
)


@pytest.mark.parametrize("word", WIDE)
def test_in_secure_mode_a_word_for_all_opens_what_is_known_to_be_harmless(word: str) -> None:
    for place in HARMLESS:
        assert is_chosen(KubernetesRunner, word, f"resource_args.spec.{place}", RAY)
    pod = "resource_args.spec.template.spec"
    for place in ("nodeSelector.disk", "tolerations[0].key", "containers[0].resources.limits.cpu"):
        assert is_chosen(KubernetesRunner, word, f"{pod}.{place}")
    assert is_chosen(KubernetesRunner, f"{pod}.volumes", f"{pod}.volumes[0].configMap.name")


QUEUE: dict[str, Any] = {
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "main",
                        "image": "trusted/runner:1",
                        "args": ["--sandbox"],
                        "securityContext": {"runAsUser": 1000},
                        "resources": {"limits": {"cpu": "1"}},
                    },
                    {"name": "audit", "image": "trusted/audit:1"},
                ]
            }
        }
    }
}


def containers(*ones: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [*ones]}}}}


@pytest.mark.parametrize(
    "chosen",
    [
        containers({"resources": {"limits": {"cpu": "2"}}}),
        containers({"resources": {"limits": {"cpu": "2"}}}, {"resources": {}}),
        {"spec": {"template": None}},
        {"spec": {"template": {"spec": {"containers": []}}}},
    ],
)
@pytest.mark.parametrize("kind", [{}, {"apiVersion": "kubeflow.org/v1", "kind": "PyTorchJob"}])
def test_in_secure_mode_a_launch_throws_out_nothing_of_the_queue(
    chosen: dict[str, Any], kind: dict[str, Any]
) -> None:
    launch = launched({**kind, **QUEUE}, chosen, KubernetesRunner)
    own = "resource_args.spec.template.spec.containers[0].resources"
    words = (*WIDE, own, "limits")
    with pytest.raises(Rejected, match="a launch cannot choose it"):
        check_policy(launch, replace(SECURE, launch_may_set=words), KubernetesRunner)


def test_in_secure_mode_a_launch_may_repeat_a_list_to_change_what_it_may() -> None:
    first, second = QUEUE["spec"]["template"]["spec"]["containers"]
    changed = containers({**first, "resources": {"limits": {"cpu": "2"}}}, second)
    launch = launched(QUEUE, changed, KubernetesRunner)
    own = "resource_args.spec.template.spec.containers[0].resources"
    for word in (own, "resource_args"):
        words = replace(SECURE, launch_may_set=(word, "limits"))
        check_policy(launch, words, KubernetesRunner)
    with pytest.raises(Rejected, match=r"resources.limits.cpu: a launch cannot choose it"):
        check_policy(launch, SECURE_ALONE, KubernetesRunner)
