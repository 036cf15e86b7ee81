"""Places for images, as people write them."""

from launchkit.errors import Rejected

REPOSITORY = r"^(https://)?(\[[0-9a-fA-F:]+\]|[^:/@<>]+)(:[0-9]+/)?[^:@<>]*$"
"""What JSON Schema can say of it; `image_repository` looks closer."""


def image_repository(text: str) -> str:
    """The repository that *text* names, without scheme and as registries write it.

    :raises ValueError: if it names no repository, or a tag.
    """
    from launchkit.images.ref import ImageRef

    plain = text.removeprefix("https://").rstrip("/")
    if "://" in plain:
        raise ValueError("must be host/path of an image repository, without a scheme")
    host, slash, path = plain.partition("/")
    if "@" in plain or ":" in path or (":" in host and not slash):
        raise ValueError("must name a repository, without a tag; launchkit makes the tags")
    try:
        ImageRef.parse_repository(plain)
    except Rejected as exc:
        raise ValueError(f"{exc.message}; {exc.hint}") from exc
    return plain
