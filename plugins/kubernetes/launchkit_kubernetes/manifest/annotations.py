"""Which annotations a strict policy lets a config have.

Runtimes of nodes, agents that run on nodes, and webhooks that rewrite pods heed annotations of
names that nobody can list, such as devices of a node. So those alone are allowed that are known to
be harmless, and those that the agent's owner names.
"""

import re
from collections.abc import Collection, Iterator, Mapping

from launchkit.plain_text import shortened
from launchkit_kubernetes.manifest.copying import KEY, below

HARMLESS = frozenset(
    {
        *("kubernetes.io/description", "kubernetes.io/change-cause"),
        *("kubernetes.io/ingress-bandwidth", "kubernetes.io/egress-bandwidth"),
        *(
            "kubectl.kubernetes.io/default-container",
            "kubectl.kubernetes.io/default-logs-container",
        ),
        *("cluster-autoscaler.kubernetes.io/safe-to-evict", "karpenter.sh/do-not-disrupt"),
        *("karpenter.sh/do-not-evict", "karpenter.sh/do-not-consolidate"),
        *("prometheus.io/scrape", "prometheus.io/port", "prometheus.io/path"),
        *("prometheus.io/scheme", "sidecar.istio.io/inject", "linkerd.io/inject"),
        *("kueue.x-k8s.io/podset-required-topology", "kueue.x-k8s.io/podset-preferred-topology"),
        *("alpha.jobset.sigs.k8s.io/exclusive-topology", "scheduling.k8s.io/group-name"),
        *("scheduling.volcano.sh/queue-name", "volcano.sh/preemptable"),
    }
)
"""What says where pods stay, who collects their numbers, and what people read."""
PROFILES = re.compile(
    r"container\.apparmor\.security\.beta\.kubernetes\.io/.+"
    r"|seccomp\.security\.alpha\.kubernetes\.io/pod"
    r"|container\.seccomp\.security\.alpha\.kubernetes\.io/.+"
)
DEFAULT_PROFILE = "runtime/default"
"""The only one that is known to confine: a node's own may be any."""
IN_ONE_KEY = re.compile(r"[._]annotations?\.(.+)", re.IGNORECASE)
"""A key as Spark and others write it, with the annotation's name at its end."""
_OWN = re.compile(r"[A-Za-z0-9_-]+")
"""A name without a domain, which is nobody's but its owner's."""


def are_annotations(key: str, value: object) -> bool:
    """Whether a key, in any spelling, holds annotations."""
    flat = key.replace("_", "").replace("-", "").casefold()
    if isinstance(value, str):
        return flat.endswith(("annotation", "annotations"))
    return "annotation" in flat


def annotation_objections(value: object, where: str, named: Collection[str]) -> Iterator[str]:
    """What is not allowed of the annotations at a place; *named* are those that the owner allows,
    with a `*` at the end of those that begin so.
    """
    if isinstance(value, Mapping):
        for name, text in value.items():
            if reason := annotation_problem(str(name), text, named):
                yield f"{below(where, shortened(str(name), KEY))}: {reason}"
    elif value:
        yield f"{where}: annotations must be a mapping, to be looked at"


def annotation_problem(name: str, value: object, named: Collection[str]) -> str | None:
    """What is wrong with an annotation."""
    if any(name == one or (one.endswith("*") and name.startswith(one[:-1])) for one in named):
        return None
    if isinstance(value, Mapping | list | tuple):
        return "an annotation must be a text"
    if PROFILES.fullmatch(name):
        return None if value == DEFAULT_PROFILE else f"only {DEFAULT_PROFILE} is allowed"
    if name in HARMLESS or _OWN.fullmatch(name):
        return None
    return "this annotation is not among those that policy.kubernetes_annotations allows"
