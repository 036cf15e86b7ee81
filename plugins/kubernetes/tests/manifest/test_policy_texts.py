"""What `policy.kubernetes: strict` refuses of texts that an operator may read as data."""

import json
from typing import Any

import pytest

from .making import body, job, nested
from .test_policy import objections


@pytest.mark.parametrize(
    "text",
    [
        *("a: &a b\nc: &a d\n? !!str hostPath\n: x", '%A b\n---\n? "fl\\\n exVolume"\n: {}'),
        *("? !!binary aG9zdFBhdGg=\n: x", '{"fc": {"a": 1, "a": 2}}'),
        *("httpGet:\n  <<: {host: h}", "\ta:\n? httpGet\n: {port: 1, ? host # it\n: h}"),
        *("annotations:\n  <<: {a.b/c: d}", '{"a":{"\\u0066c":{}},"a":1}', "a:\n\tb: hostPath"),
        *('{"hostPath": {"path": "/"}}', "spec:\n  hostNetwork: true", "a=1\nprivileged=true"),
        r'[{"name": "h", "host\u0050ath": {"path": "/"}}]',
        *(r'["a", "{\"host\\u0050ath\": 1}"]', "? hostPath\n: {path: /}"),
        r'{"io.kubernetes.cri-o\u002eDevices": "/dev/sda"}',
        '[{"op": "add", "path": "/metadata/annotations/a.example~1b", "value": "x"}]',
        *("/spec/hostPID", "/spec/x/securityContext", "spec.y.hostNetwork", "$.spec['hostPID']"),
        *("/ports/0/hostPort", "/spec/volumes/0/flexVolume", "/spec/serviceAccount"),
        *("/spec/automountServiceAccountToken", "/spec/shareProcessNamespace", "/x/capabilities"),
        *("-Dspark.kubernetes.executor.podTemplateFile=http://h/x", "/spec/sysctls", "roleRef: x"),
        *("x type: NodePort y: [", "-Dservice.type=LoadBalancer", '{"serviceType": "NodePort"}'),
        *("/metadata/finalizers", "ownerReferences: [{uid: u}]", '{"finalizers": ["a.example/b"]}'),
        *("/spec/ports/0/nodePort", "spec.volumes[0].fc.lun=1", "x/volumes/-/cephfs"),
        *(
            "/spec/volumes/0/azureDisk",
            ".spec.volumes[] | .rbd",
            "volumes[?(@.name=='a')]['cinder']",
        ),
    ],
)
def test_a_piece_of_a_pod_in_a_text_is_not_allowed(text: str) -> None:
    (line,) = objections({"apiVersion": "x.io/v1", "kind": "A", "spec": {"patch": text}})
    assert line == "resource_args.spec.patch: a piece of a pod in a text is not allowed"
    env = [{"name": "A", "value": text}]
    assert objections(job({"env": env, "args": [text], "command": ["sh", "-c", text]})) == []


def test_so_is_none_in_an_annotation_or_in_what_an_operator_is_told_as_a_parameter() -> None:
    text = r'[{"name": "h", "host\u0050ath": {"path": "/"}}]'
    annotated = {"metadata": {"annotations": {"sidecar.istio.io/userVolume": text}}}
    assert len(objections({"spec": {"template": annotated}})) == 1
    given = {"arguments": {"parameters": [{"name": "v", "value": text}]}}
    assert len(objections({"apiVersion": "x.io/v1", "kind": "A", "spec": given})) == 1


def in_texts(value: object, levels: int) -> Any:
    """A value in texts of JSON in each other."""
    for _ in range(levels):
        value = json.dumps([value])
    return value


@pytest.mark.parametrize(
    ("value", "place", "what"),
    [
        (f"[{'a,' * 20_000}]", "", "has more than 10000 values"),
        (f"a: {'x' * 500_000}", "", "no more than 500000 characters"),
        (in_texts("x" * 170_000, 3), "", "no more than 500000 characters"),
        (in_texts([1] * 10_000, 1), "", "no more than 10000 values"),
        (["a: [b]"] * 1_001, "[1000]", "no more than 1000 texts"),
        (in_texts(["a: b"] * 1_000, 1), "", "no more than 1000 texts"),
        (in_texts("a: b", 4), "", "no more than 4 texts"),
    ],
    ids=range(7),
)
def test_what_is_too_much_of_texts_to_be_looked_through_is_not_allowed(
    value: object, place: str, what: str
) -> None:
    (line,) = objections({"apiVersion": "x.io/v1", "kind": "A", "spec": {"a": value}})
    assert line.startswith(f"resource_args.spec.a{place}: the text cannot be looked through: ")
    assert what in line


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_a_piece_of_a_pod_is_found_in_texts_that_stand_in_each_other(levels: int) -> None:
    for value, told in ((r"host\u0050ath: 1", 1), ("a word", 0)):
        text = in_texts(value, levels)
        assert len(objections({"apiVersion": "x.io/v1", "kind": "A", "spec": {"a": text}})) == told


def test_a_config_of_more_values_than_a_cluster_takes_is_not_looked_through() -> None:
    (line,) = objections({"spec": {"a": [{"hostPath": {}}] * 10_000}})
    assert line == "resource_args: more than 20000 values cannot be looked through"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/spec/volumes/0/fc", {"lun": 2}),
        ("/spec/volumes/-", {"name": "a", "hostPath": {"path": "/"}}),
        ("/spec/volumes/0/projected/sources/0/serviceAccountToken", {"path": "t"}),
        ("/spec/containers/0/volumeMounts/0/mountPropagation", "Bidirectional"),
        ("/spec/containers/0/livenessProbe/httpGet/host", "169.254.169.254"),
        ("/spec/containers/0/livenessProbe/httpGet", {"host": "169.254.169.254"}),
        ("/spec/domain/devices/hostDevices", []),
        ("/spec/podSpecPatch", "x"),
        ("/roleRef", {}),
        ("/metadata/finalizers/-", "a.example/b"),
        ("/metadata", {"ownerReferences": [{"uid": "u"}]}),
        ("/metadata/annotations", {"a.example/b": "x"}),
        ("/metadata/annotations/a.example~1b", "x"),
        ("/spec/containers/-", {"name": "a", "image": "b"}),
        ("/spec/initContainers", [{"name": "a", "image": "b"}]),
        ("/spec/template", {"spec": {"containers": [{"name": "a", "image": "b"}]}}),
        ("spec/template/spec/host_network", True),
    ],
)
def test_what_a_pod_may_not_have_no_patch_puts_into_it(path: str, value: object) -> None:
    patches = [{"op": "add", "path": path, "value": value}]
    custom = {"apiVersion": "x.io/v1", "kind": "A"}
    assert objections(custom | {"spec": {"patches": patches}})
    assert objections(custom | {"spec": {"patch": json.dumps(patches)}})
    kept = [
        {"op": "add", "path": "/metadata/labels/team", "value": "x"},
        {"op": "replace", "path": "/spec/containers/0/image", "value": "x"},
        {"op": "replace", "path": "/spec/layers/fc", "value": 5},
    ]
    for spec in ({"patches": kept}, {"patch": json.dumps(kept)}):
        assert objections(custom | {"spec": spec}) == []


def test_a_patch_that_is_nested_too_deep_is_not_allowed() -> None:
    step = {"op": "add", "path": "/x" * 20_000, "value": nested(10_000)}
    (line,) = objections({"spec": step})
    assert line.endswith(": it is nested too deep to be looked at")


def test_steps_of_patches_in_each_other_are_looked_at_once_each() -> None:
    """Twice each would never end."""
    step: dict[str, Any] = {"op": "add", "path": "/x", "value": 1}
    for _ in range(25):
        step = {"op": "add", "path": "/x", "value": step}
    config = {"apiVersion": "x.io/v1", "kind": "A", "spec": {"patches": [step]}}
    assert objections(config) == []
    assert body(config)["spec"] == config["spec"]


def test_a_text_with_a_whole_container_is_not_allowed() -> None:
    pod = {"spec": {"containers": [{"name": "a", "image": "b"}]}}
    for text in (json.dumps(pod), "steps:\n- image: b", "Container: {image: b}"):
        config = {"apiVersion": "x.io/v1", "kind": "A", "spec": {"podTemplate": text}}
        (line,) = objections(config)
        assert line.endswith(".podTemplate: a piece of a pod in a text is not allowed")
    words = {"apiVersion": "x.io/v1", "kind": "A", "spec": {"a": "steps: [{lr: 1}]"}}
    assert objections(words) == []
