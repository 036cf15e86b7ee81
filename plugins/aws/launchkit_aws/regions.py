"""Regions, and the partitions of AWS that they are in: parts of the world with names and accounts
of their own. Pure; AWS's own list takes a while to read.
"""

import re
from dataclasses import dataclass

from launchkit.plain_text import shortened

REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+){1,2}-\d{1,2}")
_ZONE = re.compile(rf"({REGION.pattern})[a-z]")


@dataclass(frozen=True)
class Partition:
    """A part of the world: `name` stands in ARNs, `suffix` in the names of hosts."""

    name: str
    suffix: str


AWS = Partition("aws", "amazonaws.com")
_OTHERS = (
    ("cn-", Partition("aws-cn", "amazonaws.com.cn")),
    ("us-gov-", Partition("aws-us-gov", "amazonaws.com")),
    ("us-iso-", Partition("aws-iso", "c2s.ic.gov")),
    ("us-isob-", Partition("aws-iso-b", "sc2s.sgov.gov")),
    ("eu-isoe-", Partition("aws-iso-e", "cloud.adc-e.uk")),
    ("us-isof-", Partition("aws-iso-f", "csp.hci.ic.gov")),
    ("eusc-", Partition("aws-eusc", "amazonaws.eu")),
)
SUFFIXES = tuple(dict.fromkeys(one.suffix for one in (AWS, *(two for _, two in _OTHERS))))
NAMES = (AWS.name, *(one.name for _, one in _OTHERS))


def partition_of(region: str) -> Partition:
    """The partition that a region is in; a new one is taken to be where most are."""
    return next((one for start, one in _OTHERS if region.startswith(start)), AWS)


def check_region(text: str) -> str:
    """Give back *text* if a region can be called so.

    :raises ValueError: with what is wrong.
    """
    if REGION.fullmatch(text):
        return text
    if zone := _ZONE.fullmatch(text):
        raise ValueError(f"{text} is an availability zone; its region is {zone[1]}")
    raise ValueError(f"{shortened(text, 60)!r} is not the name of a region, such as us-east-1")
