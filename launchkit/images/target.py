"""Where an image is to be: decided from the request, the registry and the tag."""

import re
from dataclasses import dataclass

from launchkit.abc import Registry
from launchkit.addresses import without_login
from launchkit.images.ref import HUB, ImageRef
from launchkit.model import ArchiveSource, BuildRequest, GitSource, Launch

NOWHERE = "launchkit.invalid"
"""The host of images that stay where they are built: no registry can be there
(https://www.rfc-editor.org/rfc/rfc6761#section-6.4). A name without a host is one in Docker Hub,
where others might have another image under it.
"""


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
    if not (registry.pushes if registry else request.destination):
        return Target(ref=kept_name(ref), pushed=False)
    image = ImageRef.parse(ref)
    theirs = registry if registry and is_in(image, registry) else None
    return Target(ref=ref, pushed=True, registry=theirs)


def is_in(image: ImageRef, registry: Registry) -> bool:
    """Whether an image is in a registry, so that its login may be told there: to no other.

    :raises Rejected: if the registry gives no name of an image.
    """
    return ImageRef.parse(registry.image_ref("latest")).registry == image.registry


def kept_name(ref: str) -> str:
    """What an image is called that is not pushed: what is in no registry, so that under this name
    there is none but the one that was built; but where *ref* names a registry itself.

    :raises Rejected: if *ref* is not the name of an image.
    """
    image = ImageRef.parse(ref)
    return f"{NOWHERE}/{image.familiar}" if image.host == HUB else ref


def is_kept(image: ImageRef) -> bool:
    """Whether an image is in no registry, but where it was built."""
    return image.registry == NOWHERE


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
    return safe or "code"
