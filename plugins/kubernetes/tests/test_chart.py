"""The chart in a real cluster: what it renders is taken whole, and it leaves nothing behind."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from waiting import until

from .chart.charts import (
    NAME,
    WITH_SERVER,
    Object,
    at_path,
    merged,
    need_helm,
    render,
)
from .chart.values import CASES
from .cluster.cluster import Cluster
from .releases import release

PLACES = {
    "ConfigMap": "/api/v1/{}/configmaps",
    "Secret": "/api/v1/{}/secrets",
    "Service": "/api/v1/{}/services",
    "ServiceAccount": "/api/v1/{}/serviceaccounts",
    "PersistentVolumeClaim": "/api/v1/{}/persistentvolumeclaims",
    "Deployment": "/apis/apps/v1/{}/deployments",
    "StatefulSet": "/apis/apps/v1/{}/statefulsets",
    "Role": "/apis/rbac.authorization.k8s.io/v1/{}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/{}/rolebindings",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "PodDisruptionBudget": "/apis/policy/v1beta1/{}/poddisruptionbudgets",
}
OF_CONTROLLERS = {
    "Pod": "/api/v1/{}/pods",
    "ReplicaSet": "/apis/apps/v1/{}/replicasets",
    "ControllerRevision": "/apis/apps/v1/{}/controllerrevisions",
}


@pytest.fixture(scope="module", autouse=True)
def helm() -> None:
    need_helm()


@pytest.fixture
def place(control_plane: Cluster) -> Iterator[str]:
    name = control_plane.make_namespace()
    yield name
    control_plane.remove_namespace(name)


def names(cluster: Cluster, namespace: str) -> set[str]:
    """All that a chart could leave in a namespace, and roles beyond it."""
    return {
        f"{kind} {one['metadata']['name']}"
        for kind, path in (PLACES | OF_CONTROLLERS).items()
        for one in cluster.request("GET", path.format(f"namespaces/{namespace}"))["items"]
    }


def lost(given: Any, found: Any, path: str = "") -> list[str]:
    """Where something that was given is not what the API server has: it drops unknown fields."""
    if isinstance(given, dict) and isinstance(found, dict):
        return [
            place
            for key, value in given.items()
            for place in lost(value, found.get(key), f"{path}.{key}")
        ]
    if isinstance(given, list) and isinstance(found, list) and len(given) == len(found):
        pairs = enumerate(zip(given, found, strict=True))
        return [place for n, (a, b) in pairs for place in lost(a, b, f"{path}.{n}")]
    same = given == found or (not given and found is None) or str(given) == str(found)
    return [] if same else [f"{path}: {given!r} became {found!r}"]


async def test_the_api_server_takes_each_value_whole(control_plane: Cluster, place: str) -> None:
    others = {name: control_plane.make_namespace() for name in ("other", "a")}
    tried: dict[str, tuple[str, Object]] = {}
    for case in CASES:
        if "ReadWriteOncePod" in str(case.value):  # younger than the server
            continue
        one = render(case.more, at_path(case.path, case.value)).one(case.kind, case.name)
        if one["apiVersion"] == "policy/v1":  # what is rendered without a cluster is for new ones
            one["apiVersion"] = "policy/v1beta1"
        if "namespace" in one["metadata"]:
            own = one["metadata"]["namespace"]
            one["metadata"]["namespace"] = others.get(own, place)
        one.pop("stringData", None)
        tried.setdefault(json.dumps(one), (case.path, one))
    wrong = []
    async with control_plane.admin() as http:
        for path, one in tried.values():
            where = PLACES[one["kind"]].format(f"namespaces/{one['metadata'].get('namespace')}")
            answer = await http.post(where, params={"dryRun": "All"}, json=one)
            told = lost(one, answer.json()) if answer.is_success else [answer.text]
            wrong += [f"{path}: {line}" for line in told]
    for name in others.values():
        control_plane.remove_namespace(name)
    assert wrong == []


@pytest.mark.parametrize(
    "values",
    [
        {"rbac": {"nodes": True}, "gitCreds": "https://a:b@c"},
        merged(WITH_SERVER, {"postgresql": {"volume": {"emptyDir": {}}}}),
        {"agent": {"replicas": 2, "podDisruptionBudget": {"enabled": True}}},
    ],
    ids=["agent", "with its queue service", "several"],
)
async def test_what_was_installed_and_upgraded_leaves_nothing(
    control_plane: Cluster, place: str, tmp_path: Path, values: Mapping[str, Any]
) -> None:
    before = names(control_plane, place)
    with release(control_plane, place, tmp_path) as demo:
        demo.install(values)
        assert {f"Deployment {NAME}", f"Role {NAME}"} <= names(control_plane, place)
        demo.upgrade(values, {"agent": {"apiKey": "another", "revisionHistoryLimit": 0}})
        path = f"/apis/apps/v1/namespaces/{place}/deployments/{NAME}"
        assert control_plane.request("GET", path)["spec"]["revisionHistoryLimit"] == 0
        demo.uninstall()
    await until(lambda: {n for n in names(control_plane, place) if "token" not in n}
                == {n for n in before if "token" not in n})  # fmt: skip


async def test_the_database_of_a_release_with_the_longest_name_is_begun(
    control_plane: Cluster, place: str, tmp_path: Path
) -> None:
    values = merged(WITH_SERVER, {"postgresql": {"volume": {"emptyDir": {}}}})
    pods = OF_CONTROLLERS["Pod"].format(f"namespaces/{place}")
    query = f"{pods}?labelSelector=launchkit/component=postgresql"
    with release(control_plane, place, tmp_path) as demo:
        demo.install(values, {"fullnameOverride": "a" * 60})
        await until(lambda: control_plane.request("GET", query)["items"])
        demo.uninstall()


async def test_the_claim_of_a_database_is_kept(
    control_plane: Cluster, place: str, tmp_path: Path
) -> None:
    with release(control_plane, place, tmp_path) as demo:
        demo.install(WITH_SERVER)
        demo.uninstall()
    claims = PLACES["PersistentVolumeClaim"].format(f"namespaces/{place}")
    (claim,) = control_plane.request("GET", claims)["items"]
    assert claim["metadata"]["name"] == f"launchkit-{NAME}-postgresql"


async def test_the_agents_account_has_the_rights_that_it_needs_and_no_others(
    control_plane: Cluster, place: str, tmp_path: Path
) -> None:
    other, foreign = control_plane.make_namespace(), control_plane.make_namespace()
    with release(control_plane, place, tmp_path) as demo:
        demo.install({"additionalTargetNamespaces": [other]})

        def may(verb: str, resource: str, namespace: str | None, group: str = "") -> bool:
            kind, _, sub = resource.partition("/")
            spec = {
                "user": f"system:serviceaccount:{place}:launchkit-{NAME}",
                "resourceAttributes": {"verb": verb, "resource": kind, "subresource": sub,
                                       "group": group, "namespace": namespace},
            }  # fmt: skip
            path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
            status = control_plane.request("POST", path, {"spec": spec})["status"]
            return bool(status["allowed"])

        for namespace in (place, other):
            await until(lambda: may("create", "jobs", namespace, "batch"))  # noqa: B023
            assert may("get", "pods/log", namespace)
            assert may("delete", "secrets", namespace)
            assert not may("watch", "secrets", namespace)
            assert not may("create", "pods", namespace)
            assert not may("create", "rolebindings", namespace, "rbac.authorization.k8s.io")
        assert not may("create", "jobs", foreign, "batch")
        assert not may("get", "nodes", None)
        demo.upgrade({"rbac": {"nodes": True}})
        await until(lambda: may("get", "nodes", None))
        assert not may("create", "jobs", other, "batch")
        demo.uninstall()
    for name in (other, foreign):
        control_plane.remove_namespace(name)
