"""Copy a directory tree that a repository or an archive may have shaped."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from launchkit.code.inside import inside
from launchkit.code.threads import go_on

Put = Callable[[Path, Path], Any]
"""Copies a file, or what is told of a directory, from one path to another."""


def copy_tree(source: Path, target: Path, *, put_file: Put, put_mode: Put) -> None:
    """Copy *source* to *target*, however deep it is, as long as it is wanted; links are copied as
    they are. A directory gets its mode once all is in it.

    :raises OSError: if something cannot be read or written.
    :raises Rejected: if there is too much in it.
    """
    with inside(source) as tree:
        target.mkdir(exist_ok=True)
        below = [("", iter(tree.names("")))]
        while below:
            go_on()
            folder, names = below[-1]
            name = next(names, None)
            if name is None:
                put_mode(source / folder, target / folder)
                below.pop()
                continue
            path = f"{folder}/{name}" if folder else name
            entry, copy = source / path, target / path
            if entry.is_symlink():
                copy.symlink_to(entry.readlink())
            elif entry.is_dir():
                copy.mkdir(exist_ok=True)
                below.append((path, iter(tree.names(path))))
            else:
                put_file(entry, copy)
