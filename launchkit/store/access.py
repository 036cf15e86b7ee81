"""Who may use a queue's SQLite file: its owner; its group too, if the file's mode says so."""

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from launchkit.abc import Finding
from launchkit.private_files import mode_for_all
from launchkit.shell_words import shell_word

BESIDE = ("-wal", "-shm", "-journal")
"""Ends of the names of the files in which SQLite keeps a database."""
_GROUP = stat.S_IRGRP | stat.S_IWGRP


@dataclass(frozen=True)
class Access:
    """The modes of what launchkit keeps beside a database."""

    file: int = 0o600
    folder: int = 0o700


def access_of(database: Path) -> Access:
    """That of the owner, or of the group where it may read and write the file."""
    try:
        mode = database.stat().st_mode
    except OSError:
        return Access()
    if mode & _GROUP == _GROUP:
        return Access(0o660, 0o2770)  # what is made in the folder gets the folder's group
    return Access()


def keep_to(opened: int, mode: int) -> None:
    """Give what is open that mode; what is another user's stays as it is."""
    with suppress(PermissionError):
        os.fchmod(opened, mode)


def keep_socket_to(path: Path, mode: int) -> None:
    """Give a socket of this user that mode, and nothing else that is put in its place meanwhile."""
    if not hasattr(os, "O_PATH"):  # only of Linux; others can change a link itself
        path.chmod(mode, follow_symlinks=False)
        return
    opened = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if stat.S_ISSOCK(os.fstat(opened).st_mode):
            Path(f"/proc/self/fd/{opened}").chmod(mode)
    finally:
        os.close(opened)


def look_at(database: Path) -> Finding | None:
    """A warning if everybody on this machine may read or write the file or one that SQLite keeps
    beside it, or put another one in its place.
    """
    real = database.resolve()
    for file in (database, *(real.with_name(real.name + end) for end in BESIDE)):
        if mode := mode_for_all(file):
            message = (
                f"{file} is open to every user of this machine (mode {mode}):"
                " it holds the environments of queues and launches"
            )
            hint = f"chmod 600 {shell_word(database if file == database else real)}*"
            return Finding(level="warning", subject="backend", message=message, hint=hint)
    for folder in dict.fromkeys((database.parent, real.parent)):
        if mode := mode_for_all(folder, stat.S_IWOTH):
            message = (
                f"every user of this machine may put files into {folder} (mode {mode}), also in the"
                f" place of what belongs to {database.name}"
            )
            return Finding(
                level="warning",
                subject="backend",
                message=message,
                hint="keep the database in a directory of its own, or"
                f" chmod o-w {shell_word(folder)}",
            )
    from launchkit.wide_files import replaceable  # who opens a database looks seldom

    return replaceable(database, "backend")
