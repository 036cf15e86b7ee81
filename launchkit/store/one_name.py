"""Whether a SQLite file has one name only. Its newest changes lie in a `-wal` beside that name: who
opens it by another one does not see them, and what either writes may be lost.
"""

import os
import re
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG

from launchkit.errors import ConfigError
from launchkit.shell_words import shell_word
from launchkit.store.access import BESIDE

MOUNTS = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(r"\\([0-7]{3})")


def require_one_name(path: Path) -> None:
    """:raises ConfigError: if the file, whose path has no links in it, is mounted by itself or has
    hard links, or is a directory or a device, or if what SQLite writes beside it is a link.
    """
    if _is_mounted(path):
        raise ConfigError(
            f"the queue's database {path} is mounted as a single file, without the -wal that"
            " belongs to it: changes would be lost",
            hint="mount the directory that it lies in",
        )
    try:
        status = path.stat()
    except FileNotFoundError:
        return
    if not S_ISREG(status.st_mode):
        raise ConfigError(
            f"the queue's database {path} is no file", hint="name a file: sqlite:///PATH/queue.db"
        )
    if (names := status.st_nlink) > 1:
        raise ConfigError(
            f"the queue's database {path} has {names} names (hard links), and its -wal only one:"
            " changes that are made by the other name would be lost",
            hint=f"find them with `find -samefile {shell_word(path)}`, and remove all but one;"
            " `launchkit store backup` makes a copy",
        )
    for end in BESIDE:
        beside = path.with_name(path.name + end)
        with suppress(FileNotFoundError):
            require_own(beside, beside.lstat())


def require_own(path: Path, status: os.stat_result) -> None:
    """:raises ConfigError: if what stands beside a database is a link, or a file that is somewhere
    else, too: what is written there would be written to it.
    """
    if not S_ISREG(status.st_mode) or status.st_nlink > 1:
        raise ConfigError(
            f"{path} is a link, or no file: it belongs to the queue's database beside it, and what"
            " is written there would go elsewhere",
            hint=f"find out who has put it there, and remove it: rm {shell_word(path)}",
        )


def _is_mounted(path: Path) -> bool:
    try:
        lines = MOUNTS.read_bytes().decode("utf-8", "surrogateescape").split("\n")
    except OSError:  # another system than Linux
        return False
    return str(path) in {_unescaped(line.split(" ")[4]) for line in lines if line}


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text)
