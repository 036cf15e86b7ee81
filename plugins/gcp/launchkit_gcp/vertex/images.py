"""Where Vertex AI can have images from: Google's registries, and public ones."""

import re

from launchkit.errors import SubmitError
from launchkit.images.ref import ImageRef

_GOOGLE = re.compile(r"(?:[a-z0-9-]+-docker\.pkg\.dev|(?:[a-z]+\.)?gcr\.io)", re.ASCII)
_PRIVATE = re.compile(
    r"(?:\d{12}\.dkr[.-]ecr(?:-fips)?\.[a-z0-9.-]+|[a-z0-9-]+\.azurecr\.[a-z]+"
    r"|localhost|\d{1,3}(?:\.\d{1,3}){3}|[a-z0-9.-]+\.(?:local|internal|lan|svc))",
    re.ASCII,
)
"""Registries that nobody may pull from without a login, or that are in nobody's reach."""


def is_google(image: str) -> bool:
    """Whether an image is in a registry of Google's."""
    return _GOOGLE.fullmatch(_host(image)) is not None


def check_image(image: str) -> None:
    """:raises SubmitError: if Vertex AI cannot have the image, whoever may pull it."""
    host = _host(image)
    if _PRIVATE.fullmatch(host.rpartition(":")[0] if host.count(":") == 1 else host):
        raise unreachable(image, f"{host} is a private registry outside Google Cloud")


def unreachable(image: str, why: str) -> SubmitError:
    """The error that says that an image cannot run there."""
    return SubmitError(
        f"Vertex AI cannot run {image}: {why}",
        hint="it takes images from Artifact Registry, and from registries where anybody may pull"
        " them: push it to one, such as us-central1-docker.pkg.dev/PROJECT/REPOSITORY/IMAGE",
    )


def _host(image: str) -> str:
    return ImageRef.parse(image).host.lower()
