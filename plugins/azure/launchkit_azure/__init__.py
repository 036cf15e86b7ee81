"""launchkit on Azure: the environment `azure`, with Blob Storage, and the registry `acr`."""

from typing import TYPE_CHECKING

from launchkit.hookspecs import hookimpl

if TYPE_CHECKING:
    from launchkit.abc import Environment, Registry


@hookimpl
def launchkit_environments() -> "list[type[Environment]]":
    """Offer the environment."""
    from launchkit_azure.environment import AzureEnvironment

    return [AzureEnvironment]


@hookimpl
def launchkit_registries() -> "list[type[Registry]]":
    """Offer the registry."""
    from launchkit_azure.acr import AcrRegistry

    return [AcrRegistry]
