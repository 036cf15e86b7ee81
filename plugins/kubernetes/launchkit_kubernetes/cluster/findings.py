"""What `launchkit doctor` tells of a cluster, and which rights an agent needs."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import anyio
import yaml

from launchkit.abc import Finding
from launchkit_kubernetes.cluster.client import ClusterClient
from launchkit_kubernetes.cluster.errors import ClusterError, ClusterRefused
from launchkit_kubernetes.status.shape import mapping, words

ANSWER_SECONDS = 10.0
RIGHTS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("batch", "jobs"): ("get", "list", "watch", "create", "patch", "delete"),
    ("", "pods"): ("get", "list", "watch", "delete"),
    ("", "pods/log"): ("get",),
    ("", "secrets"): ("get", "list", "create", "patch", "delete"),
    ("", "configmaps"): ("get", "list", "create", "patch", "delete"),
    ("", "events"): ("list",),
}
"""What an agent does with which resources of which API group."""
BUILD_RIGHTS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("batch", "jobs"): ("get", "list", "watch", "create", "patch", "delete"),
    ("", "pods"): ("list", "watch"),
    ("", "pods/log"): ("get",),
    ("", "secrets"): ("create", "patch"),
    ("", "events"): ("list",),
}
"""The same for an agent that builds there."""
_FORBIDDEN = re.compile(
    r'cannot (?P<verb>\w+) resource "(?P<resource>[^"]+)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]+)")?'
)


async def cluster_findings(
    client: ClusterClient,
    *namespaces: str,
    rights: Mapping[tuple[str, str], tuple[str, ...]] = RIGHTS,
    subject: str = "kubernetes",
    nodes: bool = False,
) -> Sequence[Finding]:
    """Whether it answers, and which rights are missing in each namespace; with *nodes*, whether it
    may look at these, too.
    """
    try:
        with anyio.fail_after(ANSWER_SECONDS):
            version = await client.json("GET", "version")
        found = [await rights_finding(client, name, rights, subject) for name in namespaces]
        if nodes:
            found.append(await _of_nodes(client, subject))
    except (ClusterError, TimeoutError) as exc:
        return [
            Finding(
                level="warning",
                subject=subject,
                message=f"no cluster answers: {words(str(exc)) or 'in time'}",
                hint=exc.hint if isinstance(exc, ClusterError) else None,
            )
        ]
    named = words(version.get("gitVersion"))
    answers = Finding(level="ok", subject=subject, message=f"Kubernetes {named} answers")
    return [answers, *found]


async def rights_finding(
    client: ClusterClient,
    namespace: str,
    rights: Mapping[tuple[str, str], tuple[str, ...]],
    subject: str,
) -> Finding:
    """Which rights are missing in a namespace. :raises ClusterError: if it cannot be told."""
    with anyio.fail_after(ANSWER_SECONDS):
        missing = await lacking(client, namespace, rights)
    if not missing:
        message = f"the agent has all rights that it needs in namespace {namespace}"
        return Finding(level="ok", subject=f"{subject} rights", message=message)
    named_all = ", ".join(f"{verb} {resource}" for _, resource, verb in missing)
    return Finding(
        level="error",
        subject=f"{subject} rights",
        message=f"missing in namespace {namespace}: {named_all}",
        hint=f"give the agent this Role:\n{role(namespace, missing)}",
    )


async def _of_nodes(client: ClusterClient, subject: str) -> Finding:
    """The right that it uses if it has it."""
    with anyio.fail_after(ANSWER_SECONDS):
        may = await _may(client, "", "", "nodes", "get")
    message = "the agent may look at nodes whose pods do not end"
    if not may:
        message = (
            "the agent may not get nodes, and need not: a node whose pods do not end in time counts"
            " as lost"
        )
    return Finding(level="ok", subject=f"{subject} nodes", message=message)


async def lacking(
    client: ClusterClient, namespace: str, rights: Mapping[tuple[str, str], tuple[str, ...]]
) -> Sequence[tuple[str, str, str]]:
    """Those of *rights* that are missing: API group, resource and verb.

    :raises ClusterError: if it cannot be told.
    """
    return [
        (group, resource, verb)
        for (group, resource), verbs in rights.items()
        for verb in verbs
        if not await _may(client, namespace, group, resource, verb)
    ]


def missing_right(exc: ClusterRefused) -> str:
    """What to do about a right that is missing, as the server's words name it."""
    found = _FORBIDDEN.search(exc.message)
    if found is None:
        return "ask the owner of the cluster; `launchkit doctor` looks at the rights of the agent"
    right = found["group"], found["resource"], found["verb"]
    return f"give the agent this Role:\n{role(found['namespace'] or 'default', [right])}"


def role(namespace: str, rights: Sequence[tuple[str, str, str]]) -> str:
    """A Role, as `kubectl apply` takes it."""
    verbs: dict[tuple[str, str], list[str]] = {}
    for group, resource, verb in rights:
        verbs.setdefault((group, resource), []).append(verb)
    rules = [
        {"apiGroups": [group], "resources": [resource], "verbs": of}
        for (group, resource), of in verbs.items()
    ]
    body = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "launchkit-agent", "namespace": namespace},
        "rules": rules,
    }
    return yaml.safe_dump(body, sort_keys=False)


async def _may(client: ClusterClient, namespace: str, group: str, resource: str, verb: str) -> bool:
    plain, _, sub = resource.partition("/")
    attributes = {"group": group, "resource": plain, "verb": verb}
    if namespace:
        attributes["namespace"] = namespace
    if sub:
        attributes["subresource"] = sub
    body: dict[str, Any] = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    path = "apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    told = await client.json("POST", path, body=body)
    return mapping(told.get("status")).get("allowed") is True
