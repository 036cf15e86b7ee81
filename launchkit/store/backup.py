"""Backups of a queue's SQLite file, made while it is used, and put back while it is not."""

import fcntl
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from launchkit.errors import ConfigError, Conflict, QueueError, Unreachable
from launchkit.private_files import begin_file, make_folder
from launchkit.store.database import migrations
from launchkit.store.fair_file_lock import FairFileLock
from launchkit.store.restored import hold_back
from launchkit.store.sqlite_file import HINTS, attach
from launchkit.store.swap import COMPANIONS, NEW, cut_short, finish, swap, sync
from launchkit.store.wal import begin, check_wal

_TABLES = {"queue", "item", "event", "log", "agent"}
"""Some tables that each store has, of whatever version."""
_LOCK_START, _LOCK_LENGTH = 0x40000000, 512
"""The bytes that SQLite locks: https://www.sqlite.org/fileformat2.html#the_lock_byte_page"""


def back_up(path: Path, target: Path, *, force: bool = False) -> None:
    """Write all that is committed in the store *path* into the one file *target*; others may use
    the store meanwhile. *force* replaces a file that is there.

    :raises Conflict: if *target* exists, or is the store itself.
    :raises ConfigError: if *path* is no store of this launchkit's.
    :raises QueueError: if the store is damaged.
    :raises Unreachable: if it cannot be read, or *target* not be written.
    """
    with _explained(f"the backup of {path} in {target}"):
        if not path.exists() and not cut_short(path.resolve()):
            raise ConfigError(f"there is no queue in {path}", hint="name its place with --backend")
        with closing(FairFileLock(path)) as lock, lock.turn():
            store = attach(path)
        with closing(store), _folder_beside(target) as folder:
            _require_free(path, target, force=force)
            _copy(store, path, folder / NEW)
            _publish(folder / NEW, target, force=force)
            sync(target.parent)


def restore(path: Path, source: Path) -> Path | None:
    """Put a copy of the backup *source* in the place of the store *path*, with all queues paused.
    Gives the directory where what it replaces is kept; None if there was nothing. This process must
    not have *path* open.

    :raises Conflict: if a process uses the store, or *source* is the store itself.
    :raises ConfigError: if *source* is no regular file, no store, or of a newer launchkit.
    :raises QueueError: if *source* is damaged.
    :raises Unreachable: if *source* cannot be read, or the store not be written.
    """
    real = path.resolve()
    with _explained(f"the restore of {path} from {source}"):
        if real.exists() and real.samefile(source):
            raise Conflict(f"{source} is the queue's file itself")
        _require_regular(source)
        make_folder(real.parent)
        with _unused(real):
            pass  # who uses it is told of at once
        with _folder_beside(real) as folder:
            check_wal(source.resolve())
            with closing(_read_only(source)) as backup:
                _copy(backup, source, folder / NEW)
            with closing(sqlite3.connect(folder / NEW, isolation_level=None)) as made:
                hold_back(made)
            return _replace(path, folder)


def _require_regular(source: Path) -> None:
    """Whoever opens a pipe waits for one who writes to it."""
    if not stat.S_ISREG(source.stat().st_mode):
        raise ConfigError(
            f"{source} is no regular file", hint="name one that launchkit store backup has made"
        )


def _replace(path: Path, folder: Path) -> Path | None:
    real = path.resolve()
    with closing(FairFileLock(path)) as lock, lock.turn():
        finish(real)
        with _unused(real):
            if real.exists():
                _take_owner(folder / NEW, real.stat())
            return swap(real, folder)


def _copy(store: sqlite3.Connection, path: Path, copy: Path) -> None:
    """Write what is in *store*, the file *path*, into the new file *copy*, and prove it sound."""
    _require_store(store, path)
    begin_file(copy)
    with closing(sqlite3.connect(copy, isolation_level=None)) as made:
        store.backup(made)
    with closing(sqlite3.connect(copy, isolation_level=None)) as made:
        made.execute("pragma journal_mode = delete")  # one file, which needs no -wal to be read
        begin(made)
        _require_store(made, path)
        found = made.execute("pragma integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(f"malformed: {found}")
    sync(copy)


def _require_store(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("pragma user_version").fetchone()[0]
    rows = connection.execute("select name from sqlite_master where type = 'table'")
    if version == 0 or not {row[0] for row in rows} >= _TABLES:
        raise ConfigError(f"{path} is no queue of launchkit's")
    if version > (known := len(migrations("sqlite"))):
        raise ConfigError(
            f"{path} was made by a newer launchkit: its schema is {version},"
            f" and this one knows {known}",
            hint="upgrade launchkit on this machine",
        )


def _require_free(path: Path, target: Path, *, force: bool) -> None:
    if target.exists() and target.samefile(path):
        raise Conflict(f"{target} is the queue's file itself", hint="name another file")
    if target.exists() and not force:
        raise Conflict(f"{target} exists", hint="name another file, or replace it with --force")
    if target.is_symlink() and not target.exists() and not force:
        raise Conflict(
            f"{target} is a symbolic link that leads to no file",
            hint="look where it leads, name another file, or replace the link with --force",
        )
    for companion in (Path(f"{target}{suffix}") for suffix in COMPANIONS):
        if companion.exists():
            raise Conflict(
                f"{companion} lies there, and SQLite would take it for a part of the backup",
                hint="name another file",
            )


def _publish(made: Path, target: Path, *, force: bool) -> None:
    if force:
        made.replace(target)
        return
    try:
        os.link(made, target)  # unlike a rename, it replaces nothing
    except FileExistsError as exc:
        raise Conflict(f"{target} exists", hint="another backup was as quick") from exc
    except OSError:
        if target.exists():
            raise
        made.rename(target)  # a file system without links


@contextmanager
def _folder_beside(path: Path) -> Iterator[Path]:
    """A new directory on the same file system, removed in the end if it is still there."""
    folder = tempfile.mkdtemp(prefix=f"{path.name}-unfinished-", dir=path.parent)
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)


@contextmanager
def _unused(path: Path) -> Iterator[None]:
    """Hold SQLite's own lock, which nobody gets while a process has the file open as a database."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield
        return
    try:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, _LOCK_LENGTH, _LOCK_START)
        except (BlockingIOError, PermissionError) as exc:
            raise Conflict(
                f"{path} is in use, by an agent or another program",
                hint="launchkit agents lists the agents; stop them and all else that has it open",
            ) from exc
        yield
    finally:
        os.close(file)


def _take_owner(new: Path, old: os.stat_result) -> None:
    new.chmod(old.st_mode & 0o777)
    if os.geteuid() == 0:
        os.chown(new, old.st_uid, old.st_gid)


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Say what was being done when the disk or SQLite refused."""
    try:
        yield
    except sqlite3.DatabaseError as exc:
        if "not a database" in str(exc):
            raise ConfigError(f"{what}: it is no queue of launchkit's: {exc}") from exc
        if "malformed" in str(exc):
            raise QueueError(f"{what}: it is damaged: {exc}", hint="try an older backup") from exc
        hint = next((hint for word, hint in HINTS.items() if word in str(exc)), None)
        raise Unreachable(f"{what}: {exc}", hint=hint) from exc
    except OSError as exc:
        raise Unreachable(f"{what}: {exc.filename or ''}: {exc.strerror}") from exc
