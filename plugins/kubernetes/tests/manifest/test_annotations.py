"""Which annotations `policy.kubernetes: strict` allows, wherever they stand."""

import json
from typing import Any

import pytest
from launchkit_kubernetes.runner import KubernetesRunner

from launchkit.abc import Policy

STRICT = Policy(of_runners={"kubernetes": "strict", "kubernetes_kinds": ["*"]})
UNCONFINED = "only runtime/default is allowed"
UNKNOWN = "this annotation is not among those that policy.kubernetes_annotations allows"


def objections(config: dict[str, Any], policy: Policy = STRICT) -> list[str]:
    return [*KubernetesRunner.objections(config, policy)]


def test_operators_have_annotations_in_longer_keys_and_in_texts() -> None:
    key = "spark.kubernetes.driver.annotation.container.apparmor.security.beta.kubernetes.io/x"
    conf = {"sparkConf": {key: "unconfined"}}
    (line,) = objections({"apiVersion": "x.io/v1", "kind": "A", "spec": conf})
    assert line.endswith(UNCONFINED)
    devices = {"spark.kubernetes.executor.annotation.devices.crio.io": "/dev/sda"}
    (line,) = objections({"apiVersion": "x.io/v1", "kind": "A", "spec": {"sparkConf": devices}})
    assert line.endswith(UNKNOWN)
    for text in (f"{key}:unconfined", "a.b/c:d"):
        flink = {"kubernetes.taskmanager.annotations": text}
        (line,) = objections({"apiVersion": "x.io/v1", "kind": "A", "spec": flink})
        assert line.endswith("annotations must be a mapping, to be looked at")


@pytest.mark.parametrize(
    "key",
    [
        *("annotations", "podAnnotations", "pod_annotations", "Annotations", "annotation"),
        *("podAnnotation", "extraAnnotations"),
    ],
)
def test_annotations_are_looked_at_wherever_they_stand(key: str) -> None:
    custom = {"apiVersion": "x.io/v1", "kind": "A"}
    for spec in (
        {"workers": [{key: {"devices.crio.io": "/dev/sda"}}]},
        {key: [{"name": "devices.crio.io", "value": "/dev/sda"}]},
        {key: {"driver": {"a.example/b": "x"}}},
        {"patch": json.dumps({key: {"a.example/b": "x"}})},
        {"patch": f"{key}:\n  a.example/b: x\n"},
        {"conf": ["spark.kubernetes.driver.annotation.a.example/b=x"]},
    ):
        (line,) = objections({**custom, "spec": spec})
        assert line.startswith("resource_args.spec.")
    assert objections({**custom, "spec": {key: {"note": "x"}}}) == []
    assert objections({**custom, "spec": {key: None}}) == []


def test_annotations_that_the_owner_names_are_allowed() -> None:
    pods = {"metadata": {"annotations": {"a.example/b": "x", "devices.crio.io": "/dev/fuse"}}}
    config = {"spec": {"template": pods}}
    assert len(objections(config)) == 2
    for names in (["a.example/b", "devices.crio.io"], ["a.example/*", "devices*"], ["*"]):
        of_runners = {"kubernetes": "strict", "kubernetes_annotations": names}
        assert objections(config, Policy(of_runners=of_runners)) == []
    others = {"kubernetes": "strict", "kubernetes_annotations": ["a.example", "devices.crio"]}
    assert len(objections(config, Policy(of_runners=others))) == 2
