"""What `policy.kubernetes: strict` forces and refuses."""

from typing import Any

import pytest
from launchkit_kubernetes.manifest.build import SECURITY, BuildContext
from launchkit_kubernetes.manifest.pods import all_containers
from launchkit_kubernetes.runner import KubernetesRunner

from launchkit.abc import Policy
from launchkit.errors import ConfigError

from .examples import JOBSET, LEADER, MPI, RAY, SEED_JOB, SEED_PYTORCH, TRAIN, VOLCANO, example
from .making import body, job, nested

STRICT = Policy(of_runners={"kubernetes": "strict"})
UNCONFINED = "unconfined is not allowed, nor a macro"
MOUNTS = "only None and HostToContainer are allowed"
POD = "resource_args.spec.template.spec"


def objections(config: dict[str, Any], policy: Policy = STRICT) -> list[str]:
    return [*KubernetesRunner.objections(config, policy)]


ROWS: list[tuple[dict[str, Any], str]] = [
    (job({"securityContext": {}}), f"{POD}.containers[0].securityContext: is not allowed"),
    (job(securityContext={"runAsUser": 0}), f"{POD}.securityContext: is not allowed"),
    (
        job(initContainers=[{"securityContext": {"privileged": True}}]),
        f"{POD}.initContainers[0].securityContext: is not allowed",
    ),
    (
        job(ephemeralContainers=[{"securityContext": {"privileged": True}}]),
        f"{POD}.ephemeralContainers[0].securityContext: is not allowed",
    ),
    (
        job(volumes=[{"name": "a"}, {"name": "b", "hostPath": {"path": "/"}}]),
        f"{POD}.volumes[1].hostPath: is not allowed",
    ),
    (
        job(volumes=[{"projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]),
        f"{POD}.volumes[0].projected.sources[0].serviceAccountToken: is not allowed",
    ),
    *(
        (job(**{key: True}), f"{POD}.{key}: is not allowed")
        for key in (
            *("hostPID", "hostIPC", "hostNetwork", "shareProcessNamespace", "hostUsers"),
            "automountServiceAccountToken",
        )
    ),
    (job(hostNetwork="${x}"), f"{POD}.hostNetwork: is not allowed"),
    (
        job({"ports": [{"hostPort": 80}]}),
        f"{POD}.containers[0].ports[0].hostPort: is not allowed",
    ),
    (job(serviceAccountName="adm"), f"{POD}.serviceAccountName: is not allowed"),
    (job(serviceAccount="adm"), f"{POD}.serviceAccount: is not allowed"),
    *(
        (
            job({"volumeMounts": [{"mountPropagation": value}]}),
            f"{POD}.containers[0].volumeMounts[0].mountPropagation: {MOUNTS}",
        )
        for value in ("Bidirectional", "${run_name}")
    ),
    *(
        (
            {"spec": {"template": {"metadata": {"annotations": {key: value}}}}},
            f"resource_args.spec.template.metadata.annotations: {key}: {UNCONFINED}",
        )
        for key, value in (
            ("container.apparmor.security.beta.kubernetes.io/a", "unconfined"),
            ("seccomp.security.alpha.kubernetes.io/pod", "unconfined"),
            ("container.seccomp.security.alpha.kubernetes.io/a", "localhost/unconfined"),
            ("container.apparmor.security.beta.kubernetes.io/a", "${run_name}"),
        )
    ),
]


@pytest.mark.parametrize(("config", "line"), ROWS, ids=range(len(ROWS)))
def test_a_strict_policy_names_what_it_does_not_allow(config: dict[str, Any], line: str) -> None:
    assert objections(config) == [line]
    assert objections(config, Policy()) == []
    wrapped = line.replace("resource_args", "resource_args.kubernetes")
    assert objections({"kubernetes": config}) == [wrapped]


def test_it_does_so_anywhere_in_a_custom_resource() -> None:
    config = example(VOLCANO)
    config["spec"]["tasks"][1]["template"]["spec"]["hostPID"] = True
    config["extra"] = [{"hostPath": {}}]
    assert objections(config) == [
        "resource_args.spec.tasks[1].template.spec.hostPID: is not allowed",
        "resource_args.extra[0].hostPath: is not allowed",
    ]


@pytest.mark.parametrize(
    "config",
    [
        job(hostNetwork=False, automountServiceAccountToken=False, serviceAccountName=""),
        job({"ports": [{"containerPort": 80, "hostPort": 0}]}),
        job({"volumeMounts": [{"name": "a", "mountPropagation": "HostToContainer"}]}),
        {"metadata": {"annotations": {"seccomp": "runtime/default", "note": "unconfined"}}},
        *(example(text) for text in (SEED_JOB, SEED_PYTORCH, MPI, RAY, JOBSET, TRAIN, LEADER)),
    ],
    ids=range(11),
)
def test_it_lets_the_rest_pass(config: dict[str, Any]) -> None:
    assert objections(config) == []


def test_what_is_nested_too_deep_is_not_allowed() -> None:
    (line,) = objections({"spec": nested(10_000)})
    assert line.endswith(": it is nested too deep to be looked at")


@pytest.mark.parametrize(
    "config",
    [
        job({}, {}, initContainers=[{"name": "i"}], ephemeralContainers=[{"name": "e"}]),
        *(example(text) for text in (SEED_PYTORCH, MPI, VOLCANO, RAY, JOBSET, TRAIN, LEADER)),
        {"apiVersion": "x.io/v1", "kind": "A", "pods": [{"initContainers": [{}]}]},
    ],
    ids=range(9),
)
def test_each_container_gets_launchkits_security_context(config: dict[str, Any]) -> None:
    made = body(config, context=BuildContext(namespace="default", strict=True))
    found = [*all_containers(made)]
    assert found
    assert all(container["securityContext"] == SECURITY for container in found)


def test_a_launch_that_slipped_through_gets_it_in_place_of_its_own() -> None:
    config = job({"securityContext": {"privileged": True}})
    made = body(config, context=BuildContext(namespace="default", strict=True))
    assert "privileged" not in repr(made)


def test_the_policy_is_a_word() -> None:
    with pytest.raises(ConfigError, match=r"policy\.kubernetes"):
        objections({}, Policy(of_runners={"kubernetes": "sometimes"}))
