"""Copy a directory tree that a repository or an archive may have shaped."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

Put = Callable[[Path, Path], Any]
"""Copies a file, or what is told of a directory, from one path to another."""


def copy_tree(source: Path, target: Path, *, put_file: Put, put_mode: Put) -> None:
    """Copy *source* to *target*, however deep it is; links are copied as they are. A directory gets
    its mode once all is in it.

    :raises OSError: if something cannot be read or written.
    """
    found, waiting = [], [(source, target)]
    while waiting:
        folder, copy = waiting.pop()
        copy.mkdir(exist_ok=True)
        found.append((folder, copy))
        for entry in folder.iterdir():
            there = copy / entry.name
            if entry.is_symlink():
                there.symlink_to(entry.readlink())
            elif entry.is_dir():
                waiting.append((entry, there))
            else:
                put_file(entry, there)
    for folder, copy in reversed(found):
        put_mode(folder, copy)
