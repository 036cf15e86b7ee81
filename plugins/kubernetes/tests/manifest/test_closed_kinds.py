"""Which kinds of objects a strict policy closes, by themselves and in others."""

import json
from typing import Any

import pytest
from launchkit_kubernetes.manifest.build import BuildContext

from launchkit.abc import Policy

from .examples import JOBSET, example
from .making import body
from .test_policy import objections

NONE_BUT_WORKLOADS = "none but workloads are, of the kinds of Kubernetes and OpenShift"
BINDING = {"apiVersion": "authorization.openshift.io/v1", "kind": "RoleBinding", "metadata": {}}
STRICT = BuildContext(namespace="default", strict=True)
NO_KEY = {"key": "nope", "operator": "DoesNotExist"}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}


@pytest.mark.parametrize(
    "place",
    [
        {"apiVersion": "v1", "kind": "Secret"},
        {"version": "v1", "kind": "Secret"},
        {"apiVersion": "v1", "kind": "ServiceAccount"},
        {"apiVersion": "v1", "kind": "PersistentVolume"},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding"},
        {"group": "rbac.authorization.k8s.io", "version": "v1", "kind": "RoleBinding"},
        {"apiVersion": "v1", "kind": "List"},
        {"kind": "Secret"},
        *(
            {"apiVersion": f"{group}/v1", "kind": kind}
            for group, kind in (
                *(("authorization.openshift.io", "RoleBinding"), ("oauth.openshift.io", "OAuth")),
                ("authorization.openshift.io", "ClusterRoleBinding"),
                ("security.openshift.io", "SecurityContextConstraints"),
                *(("user.openshift.io", "Group"), ("project.openshift.io", "ProjectRequest")),
                *(("build.openshift.io", "BuildConfig"), ("image.openshift.io", "ImageStream")),
                ("template.openshift.io", "TemplateInstance"),
                ("machineconfiguration.openshift.io", "MachineConfig"),
                ("security.internal.openshift.io", "RangeAllocation"),
                ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
                *(("apiregistration.k8s.io", "APIService"), ("metrics.k8s.io", "PodMetrics")),
                ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
                *(("policy.networking.k8s.io", "AdminNetworkPolicy"), ("new.k8s.io", "Job")),
                *(("sparkoperator.k8s.io", "RoleBinding"), ("a.kubernetes.io", "Job")),
                *(("new", "Job"), ("extensions", "Deployment"), ("policy", "Eviction")),
            )
        ),
    ],
)
def test_what_makes_no_pods_gives_nobody_rights(place: dict[str, Any]) -> None:
    """A Secret with the token of the agent's service account would be mounted by the next run."""
    made = {**place, "type": "kubernetes.io/x"}
    (line,) = objections(made)
    assert line == f"resource_args.kind: {place['kind']} is not allowed: {NONE_BUT_WORKLOADS}"
    assert len(objections({"kubernetes": made})) == 1
    assert objections(made, Policy()) == []


@pytest.mark.parametrize(
    "place",
    [
        {},
        {"kind": "Job"},
        {"apiVersion": "batch/v1"},
        {"apiVersion": "batch/v1", "kind": "Job"},
        {"apiVersion": "v1", "kind": "Pod"},
        {"apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication"},
        {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet"},
        {"group": "kubeflow.org", "version": "v1", "kind": "PyTorchJob"},
        {"apiVersion": "apps.openshift.io/v1", "kind": "DeploymentConfig"},
        {"apiVersion": "example.notk8s.io/v1", "kind": "RoleBinding"},
    ],
)
def test_what_makes_pods_is_allowed(place: dict[str, Any]) -> None:
    assert objections({**place, "spec": {}}) == []


@pytest.mark.parametrize(
    ("strategy", "place"),
    [
        ({"type": "Custom", "customParams": {"image": "a"}}, "customParams"),
        ({"type": "Rolling", "customParams": {"command": ["a"]}}, "customParams"),
        ({"type": "Rolling", "CustomParams": {"image": "a"}}, "CustomParams"),
        *(
            ({params: {when: {hook: [{}]}}}, f"{params}.{when}.{hook}")
            for params in ("rollingParams", "recreateParams")
            for when in ("pre", "mid", "post")
            for hook in ("execNewPod", "tagImages")
        ),
    ],
)
def test_openshifts_deployer_makes_pods_of_a_template_alone(
    strategy: dict[str, Any], place: str
) -> None:
    config = {"apiVersion": "apps.openshift.io/v1", "kind": "DeploymentConfig"}
    spec = {"strategy": strategy, "template": {"spec": {"containers": [{"name": "a"}]}}}
    told = f"resource_args.spec.strategy.{place}: is not allowed"
    assert objections({**config, "spec": spec}) == [told]
    template = {"spec": {**spec, "strategy": {"type": "Rolling", "rollingParams": {"maxSurge": 1}}}}
    assert objections({**config, **template}) == []


@pytest.mark.parametrize("inner", [BINDING, SECRET], ids=["binding", "secret"])
def test_an_object_that_gives_rights_is_none_for_an_operator_to_make(inner: dict[str, Any]) -> None:
    config = {"apiVersion": "x.io/v1", "kind": "A", "metadata": {}, "spec": {"objects": [inner]}}
    told = f"spec.objects[0]: {inner['kind']} is not allowed: {NONE_BUT_WORKLOADS}"
    assert objections(config) == [f"resource_args.{told}"]
    assert objections({"kubernetes": config}) == [f"resource_args.kubernetes.{told}"]
    merged = f"x: &x {json.dumps(inner)}\ny:\n  <<: *x\n  kind: {inner['kind']}"
    for text in (json.dumps(inner), merged):
        assert len(objections(config | {"spec": {"objects": [text]}})) == 1


@pytest.mark.parametrize(
    "inner",
    [
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {}, "spec": {}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "head"}},
        {"apiVersion": "v1", "kind": "Secret", "name": "that is named"},
        {"apiVersion": "x.io/v1", "kind": "B", "metadata": {}},
    ],
)
def test_a_part_of_a_workload_is_one_for_an_operator_to_make(inner: dict[str, Any]) -> None:
    config = {"apiVersion": "x.io/v1", "kind": "A", "spec": {"part": inner}}
    assert objections(config) == []
    assert objections(config | {"spec": {"part": json.dumps(inner)}}) == []


def test_a_binding_of_a_role_is_known_by_what_it_has_whoever_made_its_kind() -> None:
    config = {"apiVersion": "x.io/v1", "kind": "Rights", "roleRef": {"kind": "ClusterRole"}}
    assert objections(config) == ["resource_args.roleRef: is not allowed"]


PODS = {"containers": [{"name": "a", "image": "img:1"}]}
TEMPLATE = {"template": {"spec": PODS}}


@pytest.mark.parametrize(
    ("version", "kind", "spec"),
    [
        ("v1", "Pod", PODS),
        ("batch/v1", "Job", TEMPLATE),
        ("batch/v1", "CronJob", {"schedule": "@daily", "jobTemplate": {"spec": TEMPLATE}}),
        *(("apps/v1", kind, TEMPLATE) for kind in ("Deployment", "StatefulSet", "ReplicaSet")),
        ("apps/v1", "DaemonSet", TEMPLATE),
        ("apps.openshift.io/v1", "DeploymentConfig", TEMPLATE),
    ],
)
def test_no_pod_of_kubernetes_own_workloads_has_the_token_of_an_account(
    version: str, kind: str, spec: dict[str, Any]
) -> None:
    config = {"apiVersion": version, "kind": kind, "spec": spec}
    made = body(config, context=STRICT)["spec"]
    pods = made.get("jobTemplate", {"spec": made})["spec"].get("template", {"spec": made})["spec"]
    assert pods["containers"]
    assert pods["automountServiceAccountToken"] is False
    assert "automountServiceAccountToken" not in repr(body(config))


def test_an_operator_may_need_the_token_in_its_pods() -> None:
    assert "automountServiceAccountToken" not in repr(body(example(JOBSET), context=STRICT))


@pytest.mark.parametrize("spec", [{}, {"template": None}, {"template": {"spec": "a"}}])
def test_what_has_no_pods_is_for_the_cluster_to_refuse(spec: dict[str, Any]) -> None:
    config = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": spec}
    assert body(config, context=STRICT)["spec"].items() >= spec.items()


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "ReplicaSet", "DaemonSet"])
@pytest.mark.parametrize(
    "given", [{}, {"matchLabels": {"app": "a"}}, {"matchExpressions": [NO_KEY]}]
)
def test_no_workload_takes_over_pods_of_others(kind: str, given: dict[str, Any]) -> None:
    config = {"apiVersion": "apps/v1", "kind": kind, "spec": {**TEMPLATE, "selector": given}}
    assert body(config)["spec"]["selector"] == given
    spec = body(config, context=STRICT)["spec"]
    labels = spec["selector"].pop("matchLabels")
    assert spec["selector"] == {}
    assert set(labels) == {"launchkit/run-id", "launchkit/item", "launchkit/attempt"}
    assert labels.items() <= spec["template"]["metadata"]["labels"].items()


def test_none_of_openshift_does_so() -> None:
    config = {"apiVersion": "apps.openshift.io/v1", "kind": "DeploymentConfig"}
    spec = {**TEMPLATE, "selector": {"app": "a"}}
    made = body({**config, "spec": spec}, context=STRICT)["spec"]
    assert made["selector"].items() <= made["template"]["metadata"]["labels"].items()
    assert made["selector"]["launchkit/run-id"] == "r1"


def test_no_job_does_so() -> None:
    spec = {"selector": {"matchLabels": {"app": "a"}}, "manualSelector": True}
    told = "manualSelector: is not allowed"
    assert objections({"spec": spec}) == [f"resource_args.spec.{told}"]
    cron = {"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"jobTemplate": {"spec": spec}}}
    assert objections(cron) == [f"resource_args.spec.jobTemplate.spec.{told}"]
    assert "selector" not in body({"spec": {}}, context=STRICT)["spec"]
