"""Where the links of a code directory lead, told in bounded time."""

import os
from collections.abc import Callable
from pathlib import Path

MOST_LINKS = 40
"""One after another; Linux follows no more."""
MOST_STEPS = 255
"""From a link to where it leads, with those of all links on the way."""


def links_below(root: Path) -> Callable[[str], str]:
    """Reads where links of a directory lead to."""
    return lambda path: os.readlink(f"{root}/{path}")  # noqa: PTH115 - keeps the text as it is


def leads_out(read: Callable[[str], str], path: str, target: str) -> bool:
    """Whether the link at *path* to *target* leads out of the directory whose links *read* reads,
    or so far that nobody looks. Its own directory is in it, behind no link. A link that leads in a
    circle leads nowhere.
    """
    here = path.split("/")[:-1]
    rest = target.split("/")[::-1]
    links = steps = 0
    while rest and links <= MOST_LINKS:
        step = rest.pop()
        steps += step not in {"", "."}
        if steps > MOST_STEPS or (step == ".." and not here) or target.startswith("/"):
            return True
        if step == "..":
            here.pop()
        elif step not in {"", "."}:
            here.append(step)
            target = _target(read, here)
            if target:
                links += 1
                here.pop()
                rest += target.split("/")[::-1]
    return False


def _target(read: Callable[[str], str], here: list[str]) -> str:
    try:
        return read("/".join(here))
    except (OSError, ValueError):
        return ""
