"""launchkit on Kubernetes: the runner `kubernetes`, for Jobs and custom resources."""

from typing import TYPE_CHECKING

from launchkit.hookspecs import hookimpl

if TYPE_CHECKING:
    from launchkit.abc import Runner


@hookimpl
def launchkit_runners() -> "list[type[Runner]]":
    """Offer the runner."""
    from launchkit_kubernetes.runner import KubernetesRunner

    return [KubernetesRunner]
