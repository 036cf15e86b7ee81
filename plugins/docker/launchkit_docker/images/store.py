"""Images in the Engine's own store."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from launchkit.images.name import is_image_name
from launchkit.images.ref import ImageRef
from launchkit_docker.engine.client import (
    AnswerTooLarge,
    EngineClient,
    EngineError,
    understood,
)

LARGEST_CONFIG = 1 << 20
"""Characters of JSON. Each container has all that is in the config of its image, and the Engine
tells of that in each list, and in each event."""
MOST = {"Volumes": 1_000, "Env": 10_000}
"""Of what the Engine makes one by one: a volume takes it some 20 ms with each container, to make it
and to remove it; and with many variables, their number in square: 90,000 are minutes."""
GONE_OR_USED = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
NEVER = "0001-01-01T"
"""How times begin that there were not."""
ALIASES = {"x86_64": "amd64", "aarch64": "arm64"}


class ImageTooLarge(EngineError):
    """Nothing is done with an image whose config is larger than any that is made with sense."""

    def __init__(self, ref: str, much: str = f"is larger than {LARGEST_CONFIG} bytes") -> None:
        super().__init__(
            f"image {ref} is not used: its config, which each of its containers would have, {much}",
            hint="make it with fewer and shorter labels, variables and volumes; put data into files"
            " of it",
        )


async def find(
    engine: EngineClient, ref: str, platform: str | None = None
) -> Mapping[str, Any] | None:
    """What the Engine knows of an image; None if it does not have it, or for another platform.

    It is not asked for what no image is called: that may be another path of its API.

    :raises ImageTooLarge: if its config is.
    :raises EngineError: if it does not say.
    """
    if not is_image_name(ref):
        return None
    try:
        image = await engine.json(f"images/{ref}/json", none_for={HTTPStatus.NOT_FOUND})
    except AnswerTooLarge as exc:
        raise ImageTooLarge(ref) from exc
    if image is None:
        return None
    with understood():
        config = image.get("Config") or {}
        if len(json.dumps(config)) > LARGEST_CONFIG:
            raise ImageTooLarge(ref)
        for key, most in MOST.items():
            if len(config.get(key) or ()) > most:
                raise ImageTooLarge(ref, f"has more than {most} entries in {key}")
        return dict(image) if fits(image, platform) else None


def id_in(image: Mapping[str, Any]) -> str:
    """The id of an image. :raises EngineError: if the Engine did not say so."""
    with understood():
        return str(image["Id"])


def fits(image: Mapping[str, Any], platform: str | None) -> bool:
    """Whether an image is for a platform, such as `linux/amd64`; each is for None.

    :raises EngineError: if the Engine did not say so.
    """
    words = [ALIASES.get(word, word) for word in (platform or "").lower().split("/") if word]
    with understood():
        return {*words[:2]} <= {image["Os"], image["Architecture"]}  # the third is its variant


def is_from_elsewhere(image: Mapping[str, Any]) -> bool:
    """Whether an image was pulled or loaded, and neither built nor named here; False where an
    Engine does not tell, as where containerd keeps its images.

    :raises EngineError: if what it says makes no sense.
    """
    with understood():
        return str(image.get("Metadata", {}).get("LastTagTime", "")).startswith(NEVER)


async def remove(engine: EngineClient, ref: str) -> None:
    """Remove the name of an image, and the image if it has no other and no container is of it.

    :raises EngineError: if the Engine does not do that.
    """
    await engine.json(f"images/{ref}", "DELETE", none_for=GONE_OR_USED)


def content_of(image: Mapping[str, Any], ref: str) -> str:
    """A digest of what is in an image: that of its registry, else the one in this store.

    The first is the same on every machine that pulled the image.

    :raises EngineError: if the Engine did not say so.
    """
    return pushed_digest(image, ref) or id_in(image)


def pushed_digest(image: Mapping[str, Any], ref: str) -> str | None:
    """What the registry calls an image that is named by *ref*; None: it was neither pulled from
    there nor pushed. Others may have it by other names, and by some that launchkit does not know.

    :raises EngineError: if the Engine did not say so.
    """
    repository = ImageRef.parse(ref).repository
    with understood():
        names = [name for name in sorted(image.get("RepoDigests") or ()) if is_image_name(name)]
    own = (name for name in map(ImageRef.parse, names) if name.repository == repository)
    return next((name.digest for name in own), None)
