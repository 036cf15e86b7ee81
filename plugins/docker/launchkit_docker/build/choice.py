"""With which of its two builders an Engine builds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SNAPSHOTTER = ["driver-type", "io.containerd.snapshotter.v1"]
"""In an Engine's `DriverStatus`: its images are kept by containerd."""
FIRST_SOUND = 27
"""The BuildKit of earlier Engines fails at containerd's images, with what is asked for by the API
(https://github.com/moby/moby/issues/47717)."""
MENDED = (24, 0, 9), (25, 0, 2)
"""Of each line the first Engine whose classic builder takes no image that was pulled for the first
step from scratch, by what the image says of itself (CVE-2024-24557)."""
_MAJOR = re.compile(r"\d{1,4}")
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The builder, and what there is to say of it."""

    buildkit: bool
    why: str = ""
    """Set where it is not the one that the Engine prefers, or is bound to fail."""


def chosen(wanted: bool | None, headers: Mapping[str, str], about: Mapping[str, Any]) -> Choice:
    """BuildKit if it is *wanted*, else if the Engine prefers it in the *headers* of its answers,
    unless it is known to fail there, by what the Engine says *about* itself.
    """
    prefers = prefers_buildkit(headers)
    if not _fails(about):
        return Choice(buildkit=prefers if wanted is None else wanted)
    why = "its BuildKit fails where it keeps images in containerd"
    if wanted:
        return Choice(buildkit=True, why=f"{why}: take out `buildkit: true`")
    return Choice(buildkit=False, why=why if prefers else "")


def prefers_buildkit(headers: Mapping[str, str]) -> bool:
    """Whether the Engine wants to build with BuildKit: those since 23 do, unless told not to."""
    return headers.get("Builder-Version") == "2"


def knows_what_it_built(about: Mapping[str, Any]) -> bool:
    """Whether the classic builder tells what was built from what was pulled, by what the Engine
    says *about* itself.
    """
    found = _VERSION.match(str(about.get("ServerVersion", "")))
    if found is None:
        return False
    version = tuple(int(number) for number in found.groups())
    first, second = MENDED
    return version >= second or (version >= first and version[0] == first[0])


def _fails(about: Mapping[str, Any]) -> bool:
    major = _MAJOR.match(str(about.get("ServerVersion", "")))
    old = major is not None and int(major[0]) < FIRST_SOUND
    told = about.get("DriverStatus")
    return old and isinstance(told, list) and SNAPSHOTTER in told
