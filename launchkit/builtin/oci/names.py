"""Which registry an image's name leads to, with Docker's rules for names that leave it out."""

import re
from dataclasses import dataclass
from ipaddress import ip_address

HUB = "docker.io"
HUB_API = "registry-1.docker.io"
HUB_KEY = "https://index.docker.io/v1/"
HUB_NAMES = frozenset({HUB, HUB_API, "index.docker.io"})

_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
)
_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")


@dataclass(frozen=True, kw_only=True)
class ImageName:
    """An image in a registry. `version` is a digest if the name has one, else its tag."""

    host: str
    path: str
    version: str


def parse_image(text: str) -> ImageName:
    """Take a name apart as Docker does; the tag is `latest` if it has neither tag nor digest.

    :raises ValueError: if it names no image.
    """
    name, at, digest = text.partition("@")
    head, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        head, tag = name, "latest"
    if not _TAG.fullmatch(tag) or (at and not _DIGEST.fullmatch(digest)):
        raise ValueError(f"{text!r} is not the name of an image")
    host, path = parse_repository(head)
    return ImageName(host=host, path=path, version=digest or tag)


def parse_repository(text: str) -> tuple[str, str]:
    """The host and path of a repository: `alice/train` is one of Docker Hub, and so is `train`.

    :raises ValueError: if it names no repository.
    """
    first, slash, rest = text.partition("/")
    if slash and (first == "localhost" or "." in first or ":" in first):
        host, path = (HUB if first in HUB_NAMES else first), rest
    else:
        host, path = HUB, text
    if host == HUB and "/" not in path:
        path = f"library/{path}"
    if not _HOST.fullmatch(host) or not _PATH.fullmatch(path):
        shown = text.rpartition("@")[2]  # what is before it may be a password
        raise ValueError(f"{shown!r} is not the name of a repository")
    return host, path


def api_host(host: str) -> str:
    """The host that answers for a registry."""
    return HUB_API if host == HUB else host


def login_key(host: str) -> str:
    """What the Docker credential store calls a registry."""
    return HUB_KEY if host == HUB else host


def registry_of(key: str) -> str:
    """The host that a key of a Docker configuration stands for; keys may be URLs."""
    host = key.removeprefix("https://").removeprefix("http://").partition("/")[0]
    return HUB if host in HUB_NAMES else host


def is_loopback(host: str) -> bool:
    """Whether a host, with or without a port, is this machine itself."""
    name = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
