"""The text of an ignore file, which may be anything."""

import os
import stat

from launchkit.code.inside import LONGEST_PATH, Inside
from launchkit.errors import Rejected
from launchkit.plain_text import visible_line

MOST_BYTES = 64_000
MOST_LINES = 2_000
"""Each file of the code is compared with each of them."""


def ignore_text(tree: Inside, path: str) -> str | None:
    """What it says; None if there is no such file, or it is a link.

    :raises Rejected: if it is longer than such a file has reason to be.
    :raises OSError: if it cannot be read.
    """
    try:
        if not stat.S_ISREG(tree.facts(path).st_mode):
            return None
        handle = tree.open(path)
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as file:
        data = file.read(MOST_BYTES + 1)
        tree.require_there(path, handle)
    lines = data.split(b"\n")
    if len(data) > MOST_BYTES or len(lines) > MOST_LINES or max(map(len, lines)) > LONGEST_PATH:
        raise Rejected(
            f"{visible_line(path)}: has more than {MOST_BYTES} bytes or {MOST_LINES} lines, or a"
            f" line of more than {LONGEST_PATH}",
            hint="say it in fewer lines; a line may name a directory",
        )
    return data.decode("utf-8", errors="surrogateescape")
