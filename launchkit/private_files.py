"""Files and directories that only their owner may use, whatever the umask is."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

FILE = 0o600
FOLDER = 0o700
MOST_LINKS = 40
"""As many as Linux follows."""


def make_folder(path: Path, mode: int = FOLDER) -> None:
    """Make a directory and those above it, however many, that are missing, each for its owner
    alone unless another *mode* is given, whatever the umask is; one that is there stays as it is.

    :raises OSError: if it cannot be made.
    """
    missing = [path]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for folder in reversed(missing):
        is_new = not folder.exists()
        folder.mkdir(mode=mode, exist_ok=True)
        if is_new:
            folder.chmod(mode)


def mode_for_all(path: Path, rights: int = stat.S_IRWXO) -> str | None:
    """The mode of a file or directory, in digits, if every user of this machine has one of some
    *rights* to it.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # also of a name that no file can have
        return None
    return f"{stat.S_IMODE(mode):04o}" if mode & rights else None


def folder_for_all(path: Path) -> tuple[Path, str] | None:
    """The nearest directory on the way to a file, links followed, in which every user of this
    machine may put another thing in the place of what leads there, and its mode in digits; where
    each may remove their own things alone, as in /tmp, nobody may.
    """
    known: list[Path] = []
    with suppress(OSError, ValueError):  # those before what cannot be looked at are known
        known.extend(_folders_to(path))
    for folder in reversed(known):
        mode = mode_for_all(folder, stat.S_IWOTH)
        if mode is not None and not int(mode, 8) & stat.S_ISVTX:
            return folder, mode
    return None


def is_there(path: Path) -> bool:
    """Whether a file or directory is there, as far as this user is told."""
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def _folders_to(path: Path) -> Iterator[Path]:
    """Each directory in which the system looks a name up to come to a file, whichever links it
    follows. :raises OSError: if a link cannot be read.
    """
    first, *names = path.absolute().parts
    at, links = Path(first), 0
    while names and links <= MOST_LINKS:
        yield at
        place = at / names.pop(0)
        if place.name == "..":
            at = at.parent
        elif place.is_symlink():
            links += 1
            target = place.readlink()
            at = Path(target.anchor) if target.is_absolute() else at
            names[:0] = target.parts[1:] if target.is_absolute() else target.parts
        else:
            at = place


def write_new(path: Path, data: bytes, *, lasting: bool = False) -> None:
    """Write a file for its owner alone, which must not be there yet, nor a link in its place; a
    *lasting* one is on the disk afterwards.

    :raises OSError: if it cannot be made or written.
    """
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE)
    with os.fdopen(file, "wb") as opened:
        opened.write(data)
        if lasting:
            opened.flush()
            os.fsync(file)


def write_once(path: Path, data: bytes) -> None:
    """Write a file for its owner alone, unless it is there. It appears when it is whole, and of two
    who write it at once, one does.

    :raises OSError: if it cannot be made or written.
    """
    beside = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        write_new(beside, data, lasting=True)
        with suppress(FileExistsError):
            os.link(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def begin_file(path: Path) -> None:
    """Make an empty file for its owner alone, unless it is there; of a link that leads nowhere yet,
    the file that it leads to. :raises OSError: if it cannot.
    """
    if path.exists():
        return
    place = path.resolve() if path.is_symlink() else path
    with suppress(FileExistsError):
        os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE))
