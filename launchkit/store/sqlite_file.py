"""The SQLite file of a queue: who may open it, and what is done to it first."""

import contextlib
import errno
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from launchkit.errors import ConfigError, Unreachable
from launchkit.home import expanded
from launchkit.private_files import begin_file, make_folder
from launchkit.store.database import migrations
from launchkit.store.fair_file_lock import FairFileLock
from launchkit.store.one_name import require_one_name
from launchkit.store.swap import cut_short, finish
from launchkit.store.vanished import require_not_vanished
from launchkit.store.wal import begin, check_wal

BUSY_SECONDS = 20.0
"""How long another process may keep the file locked before the caller is told."""
HINTS = {
    "full": "free some disk space; what waits is tried again",
    "readonly": "the file and its folder must be writable for this user",
    "unable to open": "the file and its folder must be readable and writable for this user",
    "malformed": "restore it from a backup",
    "not a database": "the path names some other file",
    "disk I/O error": "free some disk space, or look whether the disk is broken",
    "locked": "another program than launchkit holds a lock on the file",
}
"""What to do next, by a word in what SQLite says."""


def attach(path: Path, *, make: bool = False) -> sqlite3.Connection:
    """Connect to the file that belongs there, and with no other file's WAL; *make* it if there was
    none. Belongs into a turn.

    :raises Unreachable: if the file was replaced beside its WAL.
    :raises ConfigError: if it was there and is gone.
    """
    real = path.resolve()
    require_one_name(real)
    finish(real)
    require_not_vanished(real)
    check_wal(real)
    return connect(path, make=make)


def attach_to_read(path: Path) -> sqlite3.Connection | None:
    """The same without a turn, which a writer that was stopped may have; None if something is to be
    done to the file first.

    :raises Unreachable: if the file was replaced beside its WAL.
    """
    real = path.resolve()
    require_one_name(real)
    if cut_short(real) or not real.exists() or not real.stat().st_size:
        return None
    check_wal(real)
    connection = connect(path, make=False)
    connection.execute("pragma query_only = on")
    return connection


def is_current(path: Path) -> bool:
    """Whether the file is there, and of this version, so that it needs no `prepare`."""
    try:
        connection = attach_to_read(path)
        if connection is None:
            return False
        with contextlib.closing(connection):
            version = connection.execute("pragma user_version").fetchone()[0]
        FairFileLock(path).close()  # which gives its files the access of this one
    except (OSError, sqlite3.Error, Unreachable):
        return False  # `prepare` says what is wrong
    return bool(version == len(migrations("sqlite")))


def connect(path: Path, *, make: bool = True) -> sqlite3.Connection:
    """A connection that keeps to what a crash-proof queue needs: WAL, and a sync at each commit. A
    file that is not there is made, if it is to be, for its owner alone; SQLite gives those beside
    it its mode.
    """
    real = path.resolve()
    if make:
        begin_file(real)
    connection = sqlite3.connect(
        f"{real.as_uri()}?mode=rw",  # one that goes just now is not made anew
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.row_factory = sqlite3.Row
    if not connection.execute("pragma page_count").fetchone()[0]:
        begin(connection)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute("pragma foreign_keys = on")
    return connection


def prepare(path: Path) -> None:
    """Make the file, or bring it to this version's schema; the steps are all or nothing.

    :raises ConfigError: if a newer launchkit made it, it is no database of launchkit's, or it was
        there and is gone.
    :raises Unreachable: if it cannot be read or written.
    """
    scripts = migrations("sqlite")
    try:
        make_folder(path.parent)
        with (
            contextlib.closing(FairFileLock(path)) as lock,
            lock.turn(),
            contextlib.closing(attach(path, make=True)) as connection,
        ):
            _migrate(connection, path, scripts)
    except OSError as exc:
        raise Unreachable(
            f"the queue's database {path}: {exc.strerror}",
            hint="choose another place with --backend sqlite:///PATH",
        ) from exc
    except sqlite3.DatabaseError as exc:
        hint = next((hint for word, hint in HINTS.items() if word in str(exc)), None)
        raise Unreachable(f"the queue's database {path}: {exc}", hint=hint) from exc


def _migrate(connection: sqlite3.Connection, path: Path, scripts: Sequence[str]) -> None:
    version = connection.execute("pragma user_version").fetchone()[0]
    if version > len(scripts):
        raise ConfigError(
            f"{path} was made by a newer launchkit: its schema is {version},"
            f" and this one knows {len(scripts)}",
            hint="upgrade launchkit, or name another file with --backend",
        )
    if version == 0 and connection.execute("select count(*) from sqlite_master").fetchone()[0]:
        raise ConfigError(f"{path} is a database of some other program")
    for number, script in enumerate(scripts[version:], start=version + 1):
        connection.executescript(
            f"begin immediate;\n{script}\npragma user_version = {number};\ncommit;"
        )


def file_of(url: str) -> Path:
    """The file that `sqlite:///PATH` names; `~` is the home directory.

    :raises ConfigError: if it is another kind of URL, or links lead nowhere but round.
    """
    scheme, _, rest = url.partition("://")
    if scheme != "sqlite" or not rest.startswith("/") or rest == "/":
        from launchkit.addresses import masked_url

        raise ConfigError(f"{masked_url(url)}: a SQLite file is written sqlite:///PATH")
    path = expanded(rest[1:])
    _require_an_end(path)
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links


def _require_an_end(path: Path) -> None:
    """:raises ConfigError: if the links on the way to a file lead round in a circle."""
    try:
        path.stat()
    except OSError as exc:
        if exc.errno == errno.ELOOP:
            raise ConfigError(
                f"the queue's database {path}: its symbolic links lead round in a circle",
                hint="name the file itself, or mend the links: see namei PATH",
            ) from exc
