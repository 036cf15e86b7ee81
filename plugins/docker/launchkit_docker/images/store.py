"""Images in the Engine's own store, and the parts of their names."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiodocker import Docker, DockerError

from launchkit.images.name import is_image_name
from launchkit.model import ArchiveSource, GitSource, Launch

HUB = "docker.io"


async def find(engine: Docker, ref: str) -> Mapping[str, Any] | None:
    """What the Engine knows of an image; None if it does not have it.

    It is not asked for what no image is called: that may be another path of its API.
    """
    if not is_image_name(ref):
        return None
    try:
        return await engine.images.inspect(ref)
    except DockerError as exc:
        if exc.status == HTTPStatus.NOT_FOUND:
            return None
        raise


def repository_of(ref: str) -> str:
    """The reference without tag and digest."""
    name = ref.partition("@")[0]
    before, colon, tag = name.rpartition(":")
    return before if colon and "/" not in tag else name


def host_of(ref: str) -> str:
    """The registry's host of a reference; Docker Hub's if it names none."""
    first, slash, _ = ref.partition("/")
    named = slash and (first == "localhost" or "." in first or ":" in first)
    return first if named and first != "index.docker.io" else HUB


def content_of(image: Mapping[str, Any], ref: str) -> str:
    """A digest of what is in an image: that of its registry, else the one in this store.

    The first is the same on every machine that pulled the image.
    """
    pushed: list[str] = sorted(image.get("RepoDigests") or ())
    own = [name for name in pushed if repository_of(name) == repository_of(ref)]
    named = (own or pushed)[:1]
    return named[0].rpartition("@")[2] if named else str(image["Id"])


def local_repository(launch: Launch) -> str:
    """The name of images that go to no registry; launches of one source share it."""
    source = launch.source
    name = launch.job.partition(":")[0] if launch.job else "code"
    if launch.job is None and isinstance(source, GitSource):
        name = source.remote.rstrip("/").removesuffix(".git")
    elif launch.job is None and isinstance(source, ArchiveSource):
        name = source.name
    last = re.split(r"[/:\\]", name)[-1].lower()
    safe = re.sub(r"[^a-z0-9]+", "-", last).strip("-")[:100].strip("-")
    return f"launchkit/{safe or 'code'}"
