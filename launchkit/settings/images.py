"""Places for images, as people write them."""

import re

HOST = re.compile(
    r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?|\[[0-9a-fA-F:]+\](:\d{1,5})?"
)
SEGMENT = re.compile(r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*")

REPOSITORY = r"^(https://)?[^:/@<>]+(:[0-9]+/)?[^:@<>]*$"
"""What JSON Schema can say of it; `image_repository` looks closer."""


def image_repository(text: str) -> str:
    """The repository that *text* names, without scheme and as registries write it.

    :raises ValueError: if it names no repository, or a tag.
    """
    plain = text.removeprefix("https://").rstrip("/")
    if "://" in plain:
        raise ValueError("must be host/path of an image repository, without a scheme")
    host, slash, path = plain.partition("/")
    if "@" in plain or ":" in path or (":" in host and not slash):
        raise ValueError("must name a repository, without a tag; launchkit makes the tags")
    if not HOST.fullmatch(host):
        raise ValueError(f"{host!r} is not the name of a host")
    for segment in path.split("/") if slash else ():
        if not SEGMENT.fullmatch(segment):
            raise ValueError(f"{segment!r} cannot be a part of a repository's name")
    return plain
