"""Paths as people write them, where `~` is a home directory."""

import os
from pathlib import Path


def expanded(path: str | Path) -> Path:
    """The path with the home directory in it; as it is written if nobody has that home."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - pathlib's raises for a foreign name
