"""Where the links of a code directory lead, told in bounded time, of all of them together."""

import os
from collections.abc import Callable
from pathlib import Path

from launchkit.errors import Rejected
from launchkit.plain_text import visible_line

MOST_LINKS = 40
"""One after another; Linux follows no more."""
MOST_STEPS = 255
"""From a link to where it leads, with those of all links on the way."""
MOST_STEPS_OF_ALL = 10_000_000
"""The same of all links together, a hundred for each of as many as code may have: also those that
lead nowhere, such as `.`, and for each look at a place those that the system takes to it.
"""


def links_below(root: Path) -> Callable[[str], str]:
    """Reads where links of a directory lead to."""
    return lambda path: os.readlink(f"{root}/{path}")  # noqa: PTH115 - keeps the text as it is


class Links:
    """The links of one directory, which *read* reads."""

    def __init__(self, read: Callable[[str], str], most: int = MOST_STEPS_OF_ALL) -> None:
        self._read = read
        self._left = most

    def lead_out(self, path: str, target: str) -> bool:
        """Whether the link at *path* to *target* leads out of the directory, or so far that nobody
        looks. Its own directory is in it, behind no link. A link that leads in a circle leads
        nowhere.

        :raises Rejected: if all that were asked about have too many steps together.
        """
        here = path.split("/")[:-1]
        rest = self._steps(path, target)
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
                target = self._target(path, here)
                if target:
                    links += 1
                    here.pop()
                    rest += self._steps(path, target)
        return False

    def _steps(self, path: str, target: str) -> list[str]:
        """The last first."""
        steps = target.split("/")[::-1]
        self._take(path, len(steps))
        return steps

    def _target(self, path: str, here: list[str]) -> str:
        self._take(path, len(here))
        try:
            return self._read("/".join(here))
        except (OSError, ValueError):
            return ""

    def _take(self, path: str, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise Rejected(
                f"{visible_line(path)}: is a link, and to follow all links of the code takes too"
                " many steps",
                hint="have links lead to files and directories, not to other links",
            )
