"""What an agent's owner may decide about Kubernetes under `policy`, and what that forbids."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from launchkit.model import Json
from launchkit_kubernetes.manifest.copying import MAX_DEPTH, below
from launchkit_kubernetes.manifest.schema import is_open

# keys are looked at in one spelling, for operators take several
OF_CONTEXTS = frozenset(
    {"sysctls", "procmount", "seccompprofile", "apparmorprofile", "selinuxoptions"}
    | {"windowsoptions", "capabilities", "privileged", "allowprivilegeescalation", "hostprocess"}
)
"""What stands in security contexts, and where operators write it beside them."""
TRUE = frozenset(
    {
        *("hostpid", "hostipc", "hostnetwork", "shareprocessnamespace", "hostusers"),
        *("automountserviceaccounttoken", "hostport"),
    }
)
FILLED = frozenset({"serviceaccountname", "serviceaccount", "nodename"})
DEVICES = frozenset({"flexvolume", "gitrepo", "iscsi", "fc", "rbd", "scaleio"})
"""Volumes for which a node runs a program of its own, or attaches a device."""
OPAQUE = frozenset(
    {"podspecpatch", "manifest", "manifestfrom", "podtemplatefile", "podtemplatecontainername"}
)
"""What an operator makes pods of, and nobody can look through here."""
REFUSED = OPAQUE | {"securitycontext", "hostpath", "serviceaccounttoken"}
"""Whatever they hold."""
WORKLOADS = frozenset(
    {("", "Pod"), ("batch", "Job"), ("batch", "CronJob"), ("apps", "Deployment")}
    | {("apps", "StatefulSet"), ("apps", "ReplicaSet"), ("apps", "DaemonSet")}
)
"""What makes pods of the kinds that are Kubernetes' own. Others give rights, such as a Secret with
the token of a service account, which a later run would mount."""
OWN_GROUPS = frozenset(
    {"", "apps", "autoscaling", "batch", "extensions", "policy"}
    | {
        f"{name}.k8s.io"
        for name in (
            *("admissionregistration", "apiextensions", "apiregistration", "authentication"),
            *("authorization", "certificates", "coordination", "discovery", "events", "node"),
            *("flowcontrol.apiserver", "internal.apiserver", "networking", "rbac.authorization"),
            *("resource", "scheduling", "storage", "storagemigration"),
        )
    }
)
"""See https://kubernetes.io/docs/reference/kubernetes-api/."""
FREE_TEXT = frozenset({"args", "command", "value", "entrypoint", "source", "script"})
"""Keys of texts that programs in a pod read, and no operator."""
NAMING = frozenset({"labels", "annotations", "nodeSelector", "matchLabels"})
"""Whose keys are names of their owner's."""
UNCONFINED = ("apparmor", "seccomp")
PROPAGATION = ("None", "HostToContainer")
_WRITTEN = re.compile(
    r"\b(?:securityContext|hostPath|hostPID|hostIPC|hostNetwork|hostUsers|hostPort|privileged"
    r"|serviceAccount(?:Name|Token)?|nodeName)\b[\"']?\s*[:=]"
)
"""A pod's spec, or a piece of one, written into a text."""
_FLAT = re.compile(r"[./]")


@dataclass(frozen=True, kw_only=True)
class KubernetesPolicy:
    """The keys of this plugin under `policy`."""

    kubernetes: Literal["open", "strict"] = "open"
    """strict: pods get launchkit's security context, may reach nothing of their node, and name no
    service account."""


def strict_objections(args: Json) -> Iterator[str]:
    """What `policy.kubernetes: strict` does not allow in the config of a queue, wherever it stands
    and however an operator may have it spelt (reference of W&B's hardened runner, section 2.3).
    """
    yield from _kind_objections(args)
    yield from _objections(args, "resource_args", "", 0)


def _kind_objections(args: Json) -> Iterator[str]:
    wrapped = args.get("kubernetes") if set(args) == {"kubernetes"} else None
    data = wrapped if isinstance(wrapped, Mapping) else args
    where = "resource_args" if data is args else "resource_args.kubernetes"
    version, kind = str(data.get("apiVersion") or ""), str(data.get("kind") or "")
    group = str(data.get("group") or version.rpartition("/")[0])
    if not version and not group and kind in {"", "Job"}:
        group, kind = "batch", "Job"  # as it is without either
    if group in OWN_GROUPS and (group, kind or "Job") not in WORKLOADS:
        yield f"{where}.kind: {kind[:100]} is not allowed: it makes no pods"


def _objections(value: Any, where: str, key: str, depth: int) -> Iterator[str]:
    """*key* is that of the mapping, list or text."""
    if depth > MAX_DEPTH:
        yield f"{where}: it is nested too deep to be looked at"
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            path = below(where, str(name))
            is_name = key in NAMING and isinstance(inner, str)
            if not is_name and (reason := _reason(str(name), inner)):
                yield f"{path}: {reason}"
            else:
                yield from _objections(inner, path, str(name), depth + 1)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _objections(inner, f"{where}[{index}]", key, depth + 1)
    elif isinstance(value, str) and key not in FREE_TEXT and _WRITTEN.search(value):
        yield f"{where}: a piece of a pod in a text is not allowed"


def _reason(key: str, value: Any) -> str | None:
    if key == "annotations":
        return _unconfined(value)
    words = {_flat(word) for word in _FLAT.split(key)}
    if (
        words & REFUSED
        or (words & (OF_CONTEXTS | TRUE | FILLED) and value)
        or (words & DEVICES and isinstance(value, Mapping))
    ):
        return "is not allowed"
    if "mountpropagation" in words and value and value not in PROPAGATION:
        return f"only {' and '.join(PROPAGATION)} are allowed"
    return None


def _unconfined(annotations: Any) -> str | None:
    for name, text in annotations.items() if isinstance(annotations, Mapping) else ():
        unsure = "unconfined" in str(text) or is_open(text)
        if unsure and any(word in str(name) for word in UNCONFINED):
            return f"{name}: unconfined is not allowed, nor a macro"
    return None


def _flat(key: str) -> str:
    """A key in one spelling; the security context of a pod goes by several names."""
    flat = key.replace("_", "").replace("-", "").lower()
    return "securitycontext" if flat.endswith("securitycontext") else flat
