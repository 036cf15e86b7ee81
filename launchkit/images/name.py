"""The names of base images, as people write them into jobs and queue configs."""

from launchkit.errors import Rejected
from launchkit.images.ref import ImageRef


def is_image_name(text: str) -> bool:
    """Whether an image can be called so."""
    try:
        ImageRef.parse(text)
    except Rejected:
        return False
    return True


def check_image_name(text: str, path: str) -> str:
    """Give back *text* if it names an image; *path* is where it was written.

    :raises Rejected: if it cannot be the name of an image.
    """
    try:
        ImageRef.parse(text)
    except Rejected as exc:
        raise Rejected(f"{path}: {exc.message}", hint=exc.hint) from exc
    return text
