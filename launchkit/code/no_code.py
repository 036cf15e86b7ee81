"""What stands in a code directory and is no code: no run needs a copy of it."""

import logging
import stat
from contextlib import suppress

from launchkit.code.inside import Inside
from launchkit.plain_text import visible_line

logger = logging.getLogger("launchkit.code")

REMADE = frozenset(
    {
        "__pycache__",
        ".ipynb_checkpoints",
        ".mypy_cache",
        ".nox",
        ".pytest_cache",
        ".ruff_cache",
        ".tox",
    }
)
"""Directories of which no run needs a copy: each tool makes its own anew."""

WAKE = "-wake"
BESIDE_A_QUEUE = ("", WAKE, "-wal", "-shm", "-journal", "-next", "-turn")
"""How the names of the file of a queue and of what stands beside it end."""


def is_no_code(tree: Inside, path: str, kind: int) -> bool:
    """Whether it is a directory that each machine makes anew, or of a queue; environments and
    queues are told.
    """
    if kind == stat.S_IFDIR and path.rpartition("/")[2] in REMADE:
        return True
    if kind == stat.S_IFDIR and _is(stat.S_IFREG, tree, f"{path}/pyvenv.cfg"):
        logger.warning("left out of the code: %s (a virtual environment)", visible_line(path))
        return True
    ends = [end for end in BESIDE_A_QUEUE if path.endswith(end)]
    if not any(_is_queue(tree, path.removesuffix(end)) for end in ends):
        return False
    if _is_queue(tree, path):
        logger.warning("left out of the code: %s (a queue)", visible_line(path))
    return True


def _is_queue(tree: Inside, path: str) -> bool:
    return _is(stat.S_IFDIR, tree, path + WAKE) and _is(stat.S_IFREG, tree, path)


def _is(kind: int, tree: Inside, path: str) -> bool:
    with suppress(OSError):
        return stat.S_IFMT(tree.facts(path).st_mode) == kind
    return False
