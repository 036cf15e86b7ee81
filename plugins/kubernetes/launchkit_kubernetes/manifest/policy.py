"""What an agent's owner may decide about Kubernetes under `policy`, and what that forbids."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from launchkit.model import Json
from launchkit_kubernetes.manifest.copying import MAX_DEPTH, below
from launchkit_kubernetes.manifest.schema import is_open

PRESENT = frozenset({"securityContext", "hostPath", "serviceAccountToken"})
TRUE = frozenset(
    {
        *("hostPID", "hostIPC", "hostNetwork", "shareProcessNamespace", "hostUsers"),
        *("automountServiceAccountToken", "hostPort"),
    }
)
FILLED = frozenset({"serviceAccountName", "serviceAccount"})
UNCONFINED = ("apparmor", "seccomp")
PROPAGATION = ("None", "HostToContainer")


@dataclass(frozen=True, kw_only=True)
class KubernetesPolicy:
    """The keys of this plugin under `policy`."""

    kubernetes: Literal["open", "strict"] = "open"
    """strict: pods get launchkit's security context, and may reach nothing of their node, nor have
    a service account."""


def strict_objections(args: Json) -> Iterator[str]:
    """What `policy.kubernetes: strict` does not allow in the config of a queue, wherever it stands
    (reference of W&B's hardened runner, section 2.3).
    """
    yield from _objections(args, "resource_args", 0)


def _objections(value: Any, where: str, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        yield f"{where}: it is nested too deep to be looked at"
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            path = below(where, str(key))
            if reason := _reason(str(key), inner):
                yield f"{path}: {reason}"
            else:
                yield from _objections(inner, path, depth + 1)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _objections(inner, f"{where}[{index}]", depth + 1)


def _reason(key: str, value: Any) -> str | None:
    if key in PRESENT:
        return "is not allowed"
    if (key in TRUE or key in FILLED) and value:
        return "is not allowed"
    if key == "mountPropagation" and value and value not in PROPAGATION:
        return f"only {' and '.join(PROPAGATION)} are allowed"
    if key == "annotations" and isinstance(value, Mapping):
        for name, text in value.items():
            unsure = "unconfined" in str(text) or is_open(text)
            if unsure and any(word in str(name) for word in UNCONFINED):
                return f"{name}: unconfined is not allowed, nor a macro"
    return None
