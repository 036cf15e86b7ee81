"""Where an image is to be: decided from the request, the registry and the tag."""

import re
from dataclasses import dataclass

from launchkit.abc import Registry
from launchkit.addresses import without_login
from launchkit.images.ref import ImageRef
from launchkit.model import ArchiveSource, BuildRequest, GitSource, Launch


@dataclass(frozen=True, kw_only=True)
class Target:
    """The place of an image that may not be there yet."""

    ref: str
    """Its name, as the settings write it, with its tag."""
    pushed: bool
    """False: it stays in the store where it is built."""
    registry: Registry | None = None
    """Tells whether it is there already, and knows the login; None: nobody here does."""


def target_of(request: BuildRequest, registry: Registry | None, tag: str) -> Target:
    """The destination if the request names one, else a place in the registry, else local.

    :raises Rejected: if that gives no name of an image.
    """
    if request.destination:
        ref = f"{request.destination}:{tag}"
    elif registry:
        ref = registry.image_ref(tag)
    else:
        ref = f"{local_repository(request.launch)}:{tag}"
    image = ImageRef.parse(ref)
    if not (registry.pushes if registry else request.destination):
        return Target(ref=ref, pushed=False)
    theirs = registry if registry and is_in(image, registry) else None
    return Target(ref=ref, pushed=True, registry=theirs)


def is_in(image: ImageRef, registry: Registry) -> bool:
    """Whether an image is in a registry, so that its login may be told there: to no other.

    :raises Rejected: if the registry gives no name of an image.
    """
    return ImageRef.parse(registry.image_ref("latest")).registry == image.registry


def local_repository(launch: Launch) -> str:
    """The name of images that go to no registry; launches of one source share it."""
    source = launch.source
    name = launch.job.partition(":")[0] if launch.job else "code"
    if launch.job is None and isinstance(source, GitSource):
        name = without_login(source.remote).rstrip("/").removesuffix(".git")
    elif launch.job is None and isinstance(source, ArchiveSource):
        name = source.name
    last = re.split(r"[/:\\]", name)[-1].lower()
    safe = re.sub(r"[^a-z0-9]+", "-", last).strip("-")[:100].strip("-")
    return f"launchkit/{safe or 'code'}"
