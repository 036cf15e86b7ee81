"""What is wrong in a config is named, with its path."""

from datetime import date
from typing import Any

import pytest
from launchkit_kubernetes.manifest.args import check_args, parse_args
from launchkit_kubernetes.manifest.schema import MAX_PROBLEMS

from launchkit.errors import Rejected
from launchkit.model import Secret

from .examples import TRAIN, VOLCANO, example
from .making import body, job, pod

C = "resource_args.spec.template.spec.containers[0]"


def said(config: dict[str, Any]) -> list[str]:
    with pytest.raises(Rejected) as caught:
        check_args(config)
    return caught.value.message.splitlines()


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({"sepc": None}, "resource_args.sepc: unknown key; did you mean 'spec'?"),
        (job({"imag": None}), f"{C}.imag: unknown key; did you mean 'image'?"),
        ({"sepc": {}}, "resource_args.sepc: unknown key; did you mean 'spec'?"),
        ({"kubernetes": {"sepc": {}}}, "resource_args.kubernetes.sepc: unknown key; did you"),
        ({"kubernetes": {}, "spec": {}}, "resource_args.kubernetes: unknown key"),
        ({"kubernetes": 1}, "resource_args.kubernetes: must be a mapping"),
        ({"spec": []}, "resource_args.spec: must be a mapping"),
        ({"namespace": 5}, "resource_args.namespace: must be text"),
        ({"namespace": "a/../b"}, "resource_args.namespace: must be the name of a namespace"),
        ({"metadata": {"namespace": True}}, "resource_args.metadata.namespace: must be text, not"),
        ({"metadata": {"namespace": "A"}}, "resource_args.namespace: must be the name of"),
        ({"metadata": {"name": "My Run"}}, "resource_args.metadata.name: 'My Run' is no name:"),
        ({"metadata": {"label": {}}}, "resource_args.metadata.label: unknown key; did you mean 'l"),
        ({"metadata": {"labels": {"a": True}}}, "resource_args.metadata.labels.a: must be text"),
        ({"spec": {"paralelism": 1}}, "resource_args.spec.paralelism: unknown key; did you mean"),
        ({"spec": {"parallelism": "x"}}, "resource_args.spec.parallelism: must be a whole number"),
        ({"spec": {"parallelism": True}}, "resource_args.spec.parallelism: must be a whole number"),
        ({"spec": {"suspend": "yes"}}, "resource_args.spec.suspend: must be true or false, not"),
        ({"spec": {"template": "${x}"}}, "resource_args.spec.template: must be a mapping, not"),
        (job({"imag": "x"}), f"{C}.imag: unknown key; did you mean 'image'?"),
        (job({"env": {"A": "b"}}), f"{C}.env: must be a list, not a mapping"),
        (job({"env": "{{x}}"}), f"{C}.env: must be a list, not '{{{{x}}}}'"),
        (job({"command": "python x"}), f"{C}.command: must be a list, not 'python x'"),
        (job({"args": [["a"]]}), f"{C}.args[0]: must be text, not a list"),
        (job({"resources": {"limits": {"cpu": []}}}), f"{C}.resources.limits.cpu: must be text or"),
        (job("x"), f"{C}: must be a mapping, not 'x'"),
        ({"kind": "PyTorchJob"}, "resource_args.apiVersion: a PyTorchJob needs it"),
        ({"apiVersion": "x.io/v1"}, "resource_args.kind: x.io/v1 alone names no kind of object"),
        ({"apiVersion": "../v1", "kind": "A"}, "resource_args.apiVersion: must be a group and"),
        ({"apiVersion": "a/b/v1", "kind": "A"}, "resource_args.apiVersion: must be a group and"),
        ({"apiVersion": "x.io/v1", "kind": "a/b"}, "resource_args.kind: must be a kind of objects"),
        ({"spec": {1: 2}}, "resource_args.spec: the key 1 must be text; put it into quotes"),
        (
            {"metadata": {"labels": {"day": date(2026, 1, 1)}}},
            "resource_args.metadata.labels.day: must be text, not datetime.date(2026, 1, 1); put",
        ),
        ({"spec": {"x": float("nan")}}, "resource_args.spec.x: nan is no number that JSON has"),
    ],
)
def test_a_wrong_field_is_named_with_its_path(config: dict[str, Any], line: str) -> None:
    (told,) = said(config)
    assert told.startswith(line)


@pytest.mark.parametrize(
    ("of_container", "line"),
    [
        ({"imag": "x"}, "imag: unknown key; did you mean 'image'?"),
        ({"env": {"A": "b"}}, "env: must be a list, not a mapping"),
        ({"resources": 3}, "resources: must be a mapping, not 3"),
    ],
)
def test_so_it_is_in_the_containers_of_a_custom_resource(
    of_container: dict[str, Any], line: str
) -> None:
    config = example(VOLCANO)
    config["spec"]["tasks"][1]["template"]["spec"]["containers"] = [of_container]
    start = "resource_args.spec.tasks[1].template.spec.containers[0]"
    assert said(config) == [f"{start}.{line}"]


def test_so_it_is_in_the_trainer_of_a_trainjob() -> None:
    config = example(TRAIN)
    config["spec"]["trainer"] = {"env": {"A": "b"}, "numNodes": 2}
    assert said(config) == ["resource_args.spec.trainer.env: must be a list, not a mapping"]
    config["spec"]["trainer"] = []
    assert said(config) == ["resource_args.spec.trainer: must be a mapping, not a list"]


def test_so_it_is_in_the_metadata_of_a_custom_resource() -> None:
    config = {"apiVersion": "x.io/v1", "kind": "A", "metadata": {"labels": [], "nam": "x"}}
    assert said(config) == [
        "resource_args.metadata.labels: must be a mapping, not a list",
        "resource_args.metadata.nam: unknown key; did you mean 'name'?",
    ]


def test_a_custom_resource_may_have_fields_that_only_its_operator_knows() -> None:
    config = example(VOLCANO)
    config["spec"]["tasks"][0]["template"]["spec"]["newField"] = {"a": 1}
    config["spec"]["tasks"][0]["policies"] = [{"event": "TaskCompleted"}]
    check_args(config)


def test_all_that_is_wrong_is_named_at_once() -> None:
    lines = said({"spec": {"a": 1, "template": {"b": 1}}, "c": 1})
    assert [line.partition(":")[0] for line in lines] == [
        "resource_args.c",
        "resource_args.spec.a",
        "resource_args.spec.template.b",
    ]


def test_of_very_much_that_is_wrong_the_beginning_is_told() -> None:
    lines = said({"spec": {f"x{number} " * 99: 1 for number in range(1000)}})
    assert len(lines) == MAX_PROBLEMS + 1
    assert lines[-1].endswith("there may be more that is wrong")
    assert max(map(len, lines)) < 300


@pytest.mark.parametrize("value", ["${run_id}", "{{gpus}}", "{{ gpus }}"])
def test_macros_and_template_variables_pass_in_fields_of_any_type(value: str) -> None:
    config = job(
        {"resources": {"limits": {"nvidia.com/gpu": value}}, "image": value, "tty": value},
        activeDeadlineSeconds=value,
    )
    config["spec"] |= {"parallelism": value, "suspend": value}
    check_args({**config, "namespace": value, "metadata": {"name": f"x-{value}"}})
    check_args({"apiVersion": f"x.io/{value}", "kind": value})


def test_what_fills_them_gets_the_type_of_its_field() -> None:
    config = job({"env": [{"name": "A", "value": 5}, {"name": "B", "value": 0.5}], "args": [1]})
    config["spec"] |= {"parallelism": "2", "suspend": "true"}
    config["metadata"] = {"labels": {"size": 3}}
    made = body(config)
    assert (made["spec"]["parallelism"], made["spec"]["suspend"]) == (2, True)
    assert made["metadata"]["labels"]["size"] == "3"
    (container,) = pod(made)["containers"]
    assert [one["value"] for one in container["env"]] == ["5", "0.5"]
    assert container["args"] == ["1"]


@pytest.mark.parametrize("key", ["namespace", "kind"])
def test_a_place_that_no_macro_fills_leads_nowhere(key: str) -> None:
    config = {"apiVersion": "x.io/v1", "kind": "A", key: "a-${nothing}"}
    with pytest.raises(Rejected, match=r"nothing fills the macro in 'a-\$\{nothing\}'"):
        body(config)


def test_a_ttl_that_no_macro_fills_is_that_of_launchkit() -> None:
    annotations = body({"spec": {"ttlSecondsAfterFinished": "${x}"}})["metadata"]["annotations"]
    assert annotations["launchkit/ttl"] == "60"


def test_what_is_wrong_is_told_without_secrets() -> None:
    config = job({"tty": Secret("hunter2"), "env": {"TOKEN": "hunter2"}})
    assert "hunter2" not in "\n".join(said(config))


def test_what_was_read_is_not_changed() -> None:
    config = {
        "kubernetes": {"metadata": {"namespace": "a", "name": None}, "spec": {"suspend": None}}
    }
    before = repr(config)
    with pytest.raises(Rejected):
        parse_args({**config, "x": 1})
    parse_args(config)
    assert repr(config) == before
