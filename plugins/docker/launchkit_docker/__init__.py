"""launchkit on Docker: the runner `local-container`, the builder `docker`, the registry `local`."""

from typing import TYPE_CHECKING

from launchkit.hookspecs import hookimpl

if TYPE_CHECKING:
    from launchkit.abc import Builder, Registry, Runner


@hookimpl
def launchkit_runners() -> "list[type[Runner]]":
    """Offer the runner."""
    from launchkit_docker.runner import ContainerRunner

    return [ContainerRunner]


@hookimpl
def launchkit_builders() -> "list[type[Builder]]":
    """Offer the builder."""
    from launchkit_docker.builder import DockerBuilder

    return [DockerBuilder]


@hookimpl
def launchkit_registries() -> "list[type[Registry]]":
    """Offer the Engine's own store."""
    from launchkit_docker.images.registry import LocalRegistry

    return [LocalRegistry]
