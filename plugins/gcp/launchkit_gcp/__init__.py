"""launchkit on Google Cloud: the environment `gcp`, with Cloud Storage as object storage, the
registry `gcr`, and the runner `gcp-vertex`.
"""

from typing import TYPE_CHECKING

from launchkit.hookspecs import hookimpl

if TYPE_CHECKING:
    from launchkit.abc import Environment, Registry, Runner


@hookimpl
def launchkit_environments() -> "list[type[Environment]]":
    """Offer the environment."""
    from launchkit_gcp.environment import GcpEnvironment

    return [GcpEnvironment]


@hookimpl
def launchkit_registries() -> "list[type[Registry]]":
    """Offer the registry."""
    from launchkit_gcp.gcr import GcrRegistry

    return [GcrRegistry]


@hookimpl
def launchkit_runners() -> "list[type[Runner]]":
    """Offer the runner."""
    from launchkit_gcp.vertex.runner import VertexRunner

    return [VertexRunner]
