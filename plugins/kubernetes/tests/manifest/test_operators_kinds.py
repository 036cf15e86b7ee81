"""Kinds of operators under a strict policy: those that the agent's owner names, and no others."""

from typing import Any

import pytest
from launchkit_kubernetes.runner import KubernetesRunner

from launchkit.abc import Policy

RAY = {"apiVersion": "ray.io/v1", "kind": "RayJob", "spec": {"entrypoint": "python x.py"}}
SPARK = {"apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication", "spec": {}}


def objections(config: dict[str, Any], *kinds: str) -> list[str]:
    of_runners = {"kubernetes": "strict", "kubernetes_kinds": list(kinds)}
    return [*KubernetesRunner.objections(config, Policy(of_runners=of_runners))]


@pytest.mark.parametrize(
    ("config", "name"), [(RAY, "RayJob.ray.io"), (SPARK, "SparkApplication.sparkoperator.k8s.io")]
)
def test_a_kind_of_an_operator_is_refused_unless_the_owner_names_it(
    config: dict[str, Any], name: str
) -> None:
    (line,) = objections(config)
    assert line.startswith("resource_args.kind: an operator makes pods of it")
    assert line.endswith(f"policy.kubernetes_kinds lacks {name}")
    kind, _, group = name.partition(".")
    for names in ([name], [f"*.{group}"], ["*"], ["Other.x.io", name]):
        assert objections(config, *names) == []
    for names in ([kind], [group], [f"Other.{group}"], [f"{kind}.x.io"], ["*.*"], [f"*{group}"]):
        assert len(objections(config, *names)) == 1


@pytest.mark.parametrize(
    ("version", "kind"),
    [("batch/v1", "Job"), ("v1", "Pod"), ("apps/v1", "Deployment"), ("batch/v1", "CronJob")],
)
def test_workloads_of_kubernetes_itself_want_no_name(version: str, kind: str) -> None:
    assert objections({"apiVersion": version, "kind": kind, "spec": {}}) == []


def test_no_name_opens_a_kind_that_gives_rights() -> None:
    config = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding"}
    assert len(objections(config, "*", "RoleBinding.rbac.authorization.k8s.io")) == 1


def test_a_group_that_is_given_by_itself_is_the_kinds() -> None:
    config = {"group": "ray.io", "version": "v1", "kind": "RayJob", "spec": {}}
    assert len(objections(config)) == 1
    assert objections(config, "RayJob.ray.io") == []
