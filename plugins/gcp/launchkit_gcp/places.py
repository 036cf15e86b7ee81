"""Projects and regions of Google Cloud, and where its services answer. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from launchkit.plain_text import shortened

REGION = re.compile(r"[a-z][a-z0-9-]{0,40}")
PROJECT = re.compile(r"(?:[a-z0-9][a-z0-9.-]{0,80}:)?[a-z0-9][a-z0-9-]{0,62}")
"""Also those of a domain, `example.com:project`, and a project's number."""
EMAIL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}@[A-Za-z0-9.-]{1,200}")
_ZONE = re.compile(r"([a-z]+-[a-z]+[0-9]{1,2})-[a-z]")


@dataclass(frozen=True, kw_only=True)
class GcpPlace:
    """A project and a region of it, and what is needed to get in."""

    project: str
    region: str
    service_account_file: str | None = None
    impersonate: str | None = None
    """The email of a service account."""
    endpoint_urls: Mapping[str, str]
    """By the first word of a service's host."""

    def url(self, service: str) -> str:
        """Where a service answers, such as `storage`; without a slash at the end."""
        usual = f"https://{service}.googleapis.com"
        return self.endpoint_urls.get(service, usual).rstrip("/")


def check_region(text: str) -> str:
    """Give back *text* if a region can be called so.

    :raises ValueError: with what is wrong.
    """
    if zone := _ZONE.fullmatch(text):
        raise ValueError(f"{text} is a zone; its region is {zone[1]}")
    if REGION.fullmatch(text):
        return text
    raise ValueError(f"{shortened(text, 60)!r} is not the name of a region, such as us-central1")


def check_project(text: str) -> str:
    """Give back *text* if it can be the id of a project.

    :raises ValueError: with what is wrong.
    """
    if PROJECT.fullmatch(text):
        return text
    raise ValueError(
        f"{shortened(text, 60)!r} is not the id of a project, such as my-project: small letters,"
        " digits and dashes"
    )
