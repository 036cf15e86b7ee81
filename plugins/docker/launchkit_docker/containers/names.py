"""The names of containers, and of what is kept of them on this machine."""

import hashlib
import re

from launchkit.errors import Rejected
from launchkit.plain_text import shortened
from launchkit.resolving.macros import MACRO

LONGEST = 255
LONGEST_START = 200
"""It leaves room for the run's id and attempt."""
HINT = "a name is no path: with `name: train` the container is called train-RUN_ID-ATTEMPT"
_START = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
"""The Engine's rule (`RestrictedNamePattern` of moby)."""


def name_start(value: str) -> str:
    """How a container's name begins. Macros are filled later, and the whole is looked at then."""
    if len(value) > LONGEST_START or not _START.fullmatch(MACRO.sub("x", value)):
        raise ValueError(
            f"must be at most {LONGEST_START} letters, digits, dots, dashes and underscores,"
            " the first a letter or digit"
        )
    return value


def is_name(text: str) -> bool:
    """Whether a container can have this name."""
    return len(text) <= LONGEST and _NAME.fullmatch(text) is not None


def checked_name(text: str) -> str:
    """Give back the name of a container. :raises Rejected: if it cannot be one."""
    if not is_name(text):
        raise Rejected(f"{quoted(text)} cannot be the name of a container", hint=HINT)
    return text


def quoted(text: str) -> str:
    """A text that may be anything, for a message."""
    return repr(shortened(text, 100))


def kept_as(name: str) -> str:
    """What files and directories that belong to a container are called: no path is made of a name
    that came from elsewhere.
    """
    return hashlib.sha256(name.encode()).hexdigest()[:32]
