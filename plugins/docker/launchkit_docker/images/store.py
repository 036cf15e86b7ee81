"""Images in the Engine's own store."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from launchkit.images.name import is_image_name
from launchkit.images.ref import ImageRef
from launchkit_docker.engine.client import EngineClient, understood

ALIASES = {"x86_64": "amd64", "aarch64": "arm64"}


async def find(
    engine: EngineClient, ref: str, platform: str | None = None
) -> Mapping[str, Any] | None:
    """What the Engine knows of an image; None if it does not have it, or for another platform.

    It is not asked for what no image is called: that may be another path of its API.

    :raises EngineError: if it does not say.
    """
    if not is_image_name(ref):
        return None
    image = await engine.json(f"images/{ref}/json", none_for={HTTPStatus.NOT_FOUND})
    if image is None:
        return None
    with understood():
        return dict(image) if _fits(image, platform) else None


def _fits(image: Mapping[str, Any], platform: str | None) -> bool:
    words = [ALIASES.get(word, word) for word in (platform or "").lower().split("/") if word]
    return {*words[:2]} <= {image["Os"], image["Architecture"]}  # the third word is its variant


def content_of(image: Mapping[str, Any], ref: str) -> str:
    """A digest of what is in an image: that of its registry, else the one in this store.

    The first is the same on every machine that pulled the image.

    :raises EngineError: if the Engine did not say so.
    """
    pushed = digests_of(image)
    own = [each for each in pushed if each.repository == ImageRef.parse(ref).repository]
    with understood():
        return next((each.version for each in own or pushed), str(image["Id"]))


def digests_of(image: Mapping[str, Any]) -> Sequence[ImageRef]:
    """What registries call an image. :raises EngineError: if the Engine did not say so."""
    with understood():
        return [ImageRef.parse(name) for name in sorted(image.get("RepoDigests") or ())]
