"""Which kinds of objects a strict policy closes, since they give rights or rule what others do."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

DOMAINS = (".k8s.io", ".kubernetes.io", ".openshift.io")
"""Whose groups are those of Kubernetes and OpenShift themselves, but for what they approve of."""
_TEMPLATE = ("template", "spec")
WORKLOADS: Mapping[tuple[str, str], Sequence[str]] = {
    ("", "Pod"): (),
    ("batch", "Job"): _TEMPLATE,
    ("batch", "CronJob"): ("jobTemplate", "spec", *_TEMPLATE),
    ("apps", "Deployment"): _TEMPLATE,
    ("apps", "StatefulSet"): _TEMPLATE,
    ("apps", "ReplicaSet"): _TEMPLATE,
    ("apps", "DaemonSet"): _TEMPLATE,
    ("apps.openshift.io", "DeploymentConfig"): _TEMPLATE,
}
"""What makes pods as its config says, with the path in its `spec` to theirs. Others give rights,
such as a RoleBinding, or a Secret with the token of a service account, which a later run would
mount; or make pods with more than others have, such as a BuildConfig."""
OPERATED = frozenset(
    ("sparkoperator.k8s.io", kind)
    for kind in ("SparkApplication", "ScheduledSparkApplication", "SparkConnect")
)
"""What stands in a group of Kubernetes, and is an operator's."""
PARTS = frozenset(
    {("", "PersistentVolumeClaim"), ("", "Service"), ("", "PodTemplate")}
    | {("resource.k8s.io", "ResourceClaimTemplate")}
)
"""What workloads have in them as objects, and what gives nobody rights."""
CLOSED_KIND = "none but workloads are, of the kinds of Kubernetes and OpenShift"
"""Said of one that is not allowed."""


def is_closed(group: str, kind: str) -> bool:
    """Whether a kind is one of Kubernetes' or OpenShift's own that is no workload. Groups of others
    have a dot in their name, and another domain. See
    https://kubernetes.io/docs/reference/using-api/#api-groups and
    https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/2337-k8s.io-group-protection.
    """
    return _is_of_cluster(group) and (group, kind) not in WORKLOADS.keys() | OPERATED


def is_allowed(group: str, kind: str, names: Collection[str]) -> bool:
    """Whether a kind is a workload, or one that *names* have: `RayJob.ray.io`, all of a group with
    `*.ray.io`, or `*` for all.
    """
    return (group, kind) in WORKLOADS or not {"*", f"*.{group}", f"{kind}.{group}"}.isdisjoint(
        names
    )


def pod_spec(group: str, kind: str, spec: dict[str, Any]) -> dict[str, Any] | None:
    """That of the pods of a workload, in its own; None if it is no workload, or has none."""
    found: Any = spec if (group, kind) in WORKLOADS else None
    for key in WORKLOADS.get((group, kind), ()):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def own_selector(group: str, kind: str, labels: Mapping[str, str]) -> dict[str, Any] | None:
    """By which a workload knows pods with some labels as its own; None: by what the cluster says.
    Any others it would take over, and end, which nothing controls.
    """
    if (group, kind) not in WORKLOADS or group.partition(".")[0] != "apps":
        return None
    return {"matchLabels": {**labels}} if group == "apps" else {**labels}


def is_closed_object(value: Mapping[str, Any]) -> bool:
    """Whether a mapping is an object of such a kind, which an operator would make of it."""
    if not {"apiVersion", "kind", "metadata"} <= {*value}:
        return False
    group, kind = str(value["apiVersion"]).rpartition("/")[0], str(value["kind"])
    return is_closed(group, kind) and (group, kind) not in PARTS


def _is_of_cluster(group: str) -> bool:
    return "." not in group or f".{group}".endswith(DOMAINS)
