"""Where SageMaker can have images from: ECR, or by a queue's own words a registry in its VPC."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from launchkit.errors import SubmitError
from launchkit.images.ref import ImageRef

_ECR = re.compile(
    r"(?P<account>\d{1,12})\.dkr[.-]ecr(?P<fips>-fips)?\.(?P<region>[a-z0-9-]+)\."
    r"(?:amazonaws\.com(?:\.cn)?|on\.aws|on\.amazonwebservices\.com\.cn"
    r"|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov|amazonaws\.eu)",
    re.ASCII,
)
_WITHOUT_DKR = re.compile(r"(\d{12})\.(?:ecr\.)?([a-z0-9-]+\.amazonaws\.com.*)", re.ASCII)


@dataclass(frozen=True)
class EcrHost:
    """A registry of ECR."""

    account: str
    region: str


def ecr_host(image: str) -> EcrHost | None:
    """The registry of ECR that an image is in; None: it is elsewhere."""
    found = _ECR.fullmatch(ImageRef.parse(image).host.lower())
    return EcrHost(found["account"], found["region"]) if found else None


def is_in(image: str, repository: str | None) -> bool:
    """Whether an image is in a repository."""
    return repository is not None and image.startswith((f"{repository}:", f"{repository}@"))


def check_image(image: str, algorithm: Mapping[str, Any], region: str) -> None:
    """:raises SubmitError: if SageMaker cannot have the image."""
    access = algorithm.get("TrainingImageConfig", {})
    if access.get("TrainingRepositoryAccessMode") == "Vpc":
        return
    host = ecr_host(image)
    if host is None:
        raise SubmitError(
            f"SageMaker cannot run {image}: it takes images from Amazon ECR alone",
            hint=_hint(image),
        )
    if host.region != region:
        raise SubmitError(
            f"SageMaker in {region} cannot run {image}: it is in ECR of {host.region}",
            hint=f"push it to a repository in {region}, or let ECR replicate it there",
        )


def _hint(image: str) -> str:
    host, _, rest = image.partition("/")
    if found := _WITHOUT_DKR.fullmatch(host):
        return f"is it {found[1]}.dkr.ecr.{found[2].removeprefix('ecr.')}/{rest}?"
    return (
        "push it to ECR, or have the agent do so: mirror_image: true in the queue config, and a"
        " registry of type ecr in launch-config.yaml"
    )
