"""launchkit on Kubernetes: the runner `kubernetes`, for Jobs and custom resources, and the
builder `kaniko`.
"""

from typing import TYPE_CHECKING

from launchkit.hookspecs import hookimpl

if TYPE_CHECKING:
    from launchkit.abc import Builder, Runner


@hookimpl
def launchkit_runners() -> "list[type[Runner]]":
    """Offer the runner."""
    from launchkit_kubernetes.runner import KubernetesRunner

    return [KubernetesRunner]


@hookimpl
def launchkit_builders() -> "list[type[Builder]]":
    """Offer the builder."""
    from launchkit_kubernetes.builder import KanikoBuilder

    return [KanikoBuilder]
