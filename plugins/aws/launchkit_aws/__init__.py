"""launchkit on AWS: the environment `aws`, with S3 as object storage, and the registry `ecr`."""

from typing import TYPE_CHECKING

from launchkit.hookspecs import hookimpl

if TYPE_CHECKING:
    from launchkit.abc import Environment, Registry


@hookimpl
def launchkit_environments() -> "list[type[Environment]]":
    """Offer the environment."""
    from launchkit_aws.environment import AwsEnvironment

    return [AwsEnvironment]


@hookimpl
def launchkit_registries() -> "list[type[Registry]]":
    """Offer the registry."""
    from launchkit_aws.ecr import EcrRegistry

    return [EcrRegistry]
