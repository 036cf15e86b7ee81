"""How much work it may be to compare files with the patterns of ignore files, all together."""

from dataclasses import dataclass

from launchkit.errors import Rejected
from launchkit.plain_text import visible_line

MOST_CHARACTERS = 3_000_000_000
"""Of paths, once for each pattern: half a million files of sixty with a hundred. It takes a minute
if patterns are made for that, and a few seconds else.
"""
NAME = 32
"""What is counted for a pattern that looks at single names of a path."""


@dataclass(frozen=True)
class Count:
    """How many patterns there are, by what they look at."""

    of_names: int = 0
    of_paths: int = 0
    """Those with `**`, that look at a whole path."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.of_names + self.of_paths

    def __add__(self, more: "Count") -> "Count":
        return Count(self.of_names + more.of_names, self.of_paths + more.of_paths)


class Comparisons:
    """All comparisons of one directory."""

    def __init__(self) -> None:
        self._left = MOST_CHARACTERS

    def take(self, count: Count, path: str) -> None:
        """Compare a path with so many. :raises Rejected: if it is too much with those before."""
        self._left -= count.of_names * NAME + count.of_paths * len(path)
        if self._left < 0:
            raise Rejected(
                f"{visible_line(path)}: there are more files up to this one than can be compared"
                " with the lines of the ignore files",
                hint="say it in fewer lines, and with fewer **; a line may name a directory, and"
                " nothing below it is compared",
            )
