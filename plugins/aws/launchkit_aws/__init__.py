"""launchkit on AWS: the environment `aws`, with S3 as object storage, the registry `ecr`, and the
runner `sagemaker`.
"""

from typing import TYPE_CHECKING

from launchkit.hookspecs import hookimpl

if TYPE_CHECKING:
    from launchkit.abc import Environment, Registry, Runner


@hookimpl
def launchkit_environments() -> "list[type[Environment]]":
    """Offer the environment."""
    from launchkit_aws.environment import AwsEnvironment

    return [AwsEnvironment]


@hookimpl
def launchkit_runners() -> "list[type[Runner]]":
    """Offer the runner."""
    from launchkit_aws.sagemaker.runner import SageMakerRunner

    return [SageMakerRunner]


@hookimpl
def launchkit_registries() -> "list[type[Registry]]":
    """Offer the registry."""
    from launchkit_aws.ecr import EcrRegistry

    return [EcrRegistry]
