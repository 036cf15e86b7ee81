"""All who ask which kind of object a config describes read the same."""

from functools import cache
from itertools import product
from typing import Any

import pytest
from launchkit_kubernetes.manifest import secure_keys
from launchkit_kubernetes.manifest.args import check_args
from launchkit_kubernetes.runner import KubernetesRunner

from launchkit.abc import Policy
from launchkit.errors import Rejected

from .making import body

STRICT = Policy(of_runners={"kubernetes": "strict", "kubernetes_kinds": ["*"]})
RBAC = "rbac.authorization.k8s.io"
WORDS: dict[str, tuple[str | None, ...]] = {
    "apiVersion": (None, "", "v1", "/v1", f"{RBAC}/v1", f"/{RBAC}/v1", "batch/v1", "x.io/v1"),
    "group": (None, "", "/", RBAC, f"/{RBAC}", f"{RBAC}/", "batch", "x.io"),
    "version": (None, "", "v1", "/v1", f"{RBAC}/v1", f"/{RBAC}/v1", "batch/v1", "v1alpha1"),
    "kind": (None, "", "Job", "RoleBinding", "Secret", "Pod"),
}


@cache
def spellings() -> list[dict[str, Any]]:
    """Those of which an object is made."""
    plain = [dict(zip(WORDS, words, strict=True)) for words in product(*WORDS.values())]
    wrapped = [{"kubernetes": one} for one in plain]
    twice = [{"kubernetes": one} for one in wrapped]
    return [one for one in (*plain, *wrapped, *twice) if is_right(one)]


def is_right(config: dict[str, Any]) -> bool:
    try:
        check_args(config)
    except Rejected:
        return False
    return True


def test_in_no_spelling_is_an_object_made_that_a_strict_policy_does_not_allow() -> None:
    seen = set[tuple[str, str, bool]]()
    for config in spellings():
        made = body(config)
        group, kind = made["apiVersion"].rpartition("/")[0], made["kind"]
        is_allowed = not [*KubernetesRunner.objections(config, STRICT)]
        makes_pods = group == "x.io" or (group, kind) in {("", "Pod"), ("batch", "Job")}
        assert is_allowed == makes_pods, config
        seen.add((group, kind, is_allowed))
    assert {("x.io", "Job", True), ("", "Pod", True), (RBAC, "RoleBinding", False)} <= seen


def test_in_no_spelling_is_a_custom_resource_taken_for_a_job() -> None:
    for config in spellings():
        made = body(config)
        is_job = (made["apiVersion"], made["kind"]) == ("batch/v1", "Job")
        harmless = secure_keys.JOB_HARMLESS if is_job else secure_keys.CUSTOM_HARMLESS
        assert KubernetesRunner.harmless_keys(config) == harmless, config


@pytest.mark.parametrize(
    "place", [{"group": f"/{RBAC}"}, {"group": f"/{RBAC}", "version": "v1"}, {"apiVersion": "/v1"}]
)
def test_a_group_that_begins_with_a_slash_is_none(place: dict[str, str]) -> None:
    with pytest.raises(Rejected, match=r"apiVersion: must be a group and a version"):
        check_args({**place, "kind": "RoleBinding"})
