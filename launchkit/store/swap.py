"""Put another file in the place of a SQLite file and of all that SQLite keeps beside it, such that
a crash leaves the old or the new.

The new file waits in a directory of its own. When that gets its name, the swap is decided: whoever
opens the store next carries it to its end. All this belongs into a turn.
"""

import os
from itertools import count
from pathlib import Path

NEW = "new"
"""The name of the new file in its directory."""
COMPANIONS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a file; each belongs to that file alone."""


def swap(path: Path, folder: Path) -> Path | None:
    """Put `new` of *folder*, which lies beside *path*, in the place of *path*. Gives the directory
    where the old file is kept with its companions; None if there was none.
    """
    sync(folder)
    folder.rename(_decided(path))
    sync(path.parent)
    return finish(path)


def finish(path: Path) -> Path | None:
    """Carry a swap that was decided to its end; gives the directory with the old file, if any."""
    folder = _decided(path)
    if not folder.is_dir():
        return None
    if (folder / NEW).exists():
        for suffix in (*COMPANIONS, ""):
            _move(Path(f"{path}{suffix}"), folder)
        sync(folder)
        sync(path.parent)  # no new file before the old -wal is away
        (folder / NEW).rename(path)
        sync(path.parent)
    if not any(folder.iterdir()):
        folder.rmdir()
        return None
    names = (path.with_name(f"{path.name}-replaced-{number}") for number in count(1))
    kept = folder.rename(next(name for name in names if not name.exists()))
    sync(path.parent)
    return kept


def cut_short(path: Path) -> bool:
    """Whether a swap was decided that nobody has carried to its end."""
    return _decided(path).is_dir()


def sync(path: Path) -> None:
    """Make a file, or the names in a directory, survive a power cut."""
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _decided(path: Path) -> Path:
    return path.with_name(f"{path.name}-restoring")


def _move(path: Path, folder: Path) -> None:
    target = folder / path.name
    while target.exists():  # somebody put another file there while the swap was cut short
        target = target.with_name(f"{target.name}~")
    if path.exists():
        path.rename(target)
