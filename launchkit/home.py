"""Paths as people write them, where `~` is a home directory."""

import os
from pathlib import Path

from launchkit.errors import ConfigError
from launchkit.plain_text import shortened


def expanded(path: str | Path) -> Path:
    """The path with the home directory in it; as it is written if nobody has that home.

    :raises ConfigError: if nothing can be called so.
    """
    text = os.fspath(path)
    if "\0" in text:
        raise ConfigError(f"{shortened(text, 200)!r}: no path can have a NUL in it")
    return Path(os.path.expanduser(text))  # noqa: PTH111 - pathlib's raises for a foreign name
