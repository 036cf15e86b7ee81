"""The version of the protocol, the headers, and where things are."""

import re
from urllib.parse import quote

from launchkit.errors import ConfigError

PROTOCOL = "1.0"
"""Major and minor; one minor version more or less works."""
PROTOCOL_HEADER = "launchkit-protocol"
"""Stands in each request, and in each answer: what lacks it is from somebody else."""
REQUEST_ID_HEADER = "x-request-id"
LOG_SIZE_HEADER = "launchkit-log-size"
LOG_COMPLETE_HEADER = "launchkit-log-complete"

API = "/api/v1"
MAX_WAIT_SECONDS = 60.0
"""The longest that a server lets a request wait; one who wants more asks again."""
PROBLEM_TYPE = "application/problem+json"
BYTES_TYPE = "application/octet-stream"


def address(entity: str, *parts: str) -> str:
    """The path of a thing of an entity, each part quoted."""
    return service_address("entities", entity, *parts)


def service_address(*parts: str) -> str:
    """The path of a thing of the whole service, each part quoted."""
    return "/".join((API, *(_quoted(part) for part in parts)))


def etag(version: int) -> str:
    """The entity tag (RFC 9110) of a version of a queue."""
    return f'"{version}"'


def check_protocol(theirs: str, who: str, us: str) -> None:
    """Whether *who* and *us* understand each other, by the version of theirs and this one.

    :raises ConfigError: naming both versions, and which of the two is to be upgraded.
    """
    found = re.fullmatch(r"(\d{1,4})\.(\d{1,4})", theirs)
    if not found:
        raise ConfigError(f"{who} speaks the protocol {theirs[:20]!r}, which is no version")
    major, minor = (int(part) for part in found.groups())
    own_major, own_minor = (int(part) for part in PROTOCOL.split("."))
    if major == own_major and abs(minor - own_minor) <= 1:
        return
    older = who if (major, minor) < (own_major, own_minor) else us
    raise ConfigError(
        f"{who} speaks the protocol {theirs}, and {us} {PROTOCOL}: they are too far apart",
        hint=f"upgrade launchkit where {older} runs",
    )


def _quoted(part: str) -> str:
    """Dots alone would be read as steps in the path."""
    return part.replace(".", "%2E") if part in {".", ".."} else quote(part, safe="")
