"""Where an image is to be: decided from the request, the registry and the tag."""

from dataclasses import dataclass

from launchkit.abc import Registry
from launchkit.model import BuildRequest
from launchkit_docker.images.store import host_of, local_repository


@dataclass(frozen=True, kw_only=True)
class Target:
    """The reference of an image."""

    ref: str
    pushed: bool
    """False: it stays in the Engine's own store."""
    registry: Registry | None = None
    """Tells whether it is there already, and knows the login."""


def target_of(request: BuildRequest, registry: Registry | None, tag: str) -> Target:
    """The destination if the request names one, else a place in the registry, else local."""
    local = not registry.pushes if registry else not request.destination
    if request.destination:
        ref = f"{request.destination}:{tag}"
    elif registry:
        ref = registry.image_ref(tag)
    else:
        ref = f"{local_repository(request.launch)}:{tag}"
    if local:
        return Target(ref=ref, pushed=False)
    theirs = registry if registry and host_of(registry.image_ref(tag)) == host_of(ref) else None
    return Target(ref=ref, pushed=True, registry=theirs)
