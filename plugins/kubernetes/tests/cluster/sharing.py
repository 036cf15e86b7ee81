"""One cluster for all processes of a test run, from the first that needs it to the last."""

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import waiting

from .access import Access
from .keeper import ACCESS, KEEPER, USERS

TESTS = Path(__file__).parents[1]
SHARED_TESTS = Path(waiting.__file__).parent


@contextmanager
def shared_cluster(folder: Path) -> Iterator[Access]:
    """The cluster of all processes that name the same folder.

    :raises RuntimeError: if it does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / USERS).open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)  # waits for the end of one that is ending
        with (folder / "start").open("a") as start:
            fcntl.flock(start, fcntl.LOCK_EX)
            if not _is_kept(folder):
                _start(folder)
        yield Access(**json.loads((folder / ACCESS).read_text()))
    while _is_kept(folder) and not _has_users(folder):
        time.sleep(0.02)


def _start(folder: Path) -> None:
    """Start the process that keeps the cluster, as a child of nobody."""
    (folder / ACCESS).unlink(missing_ok=True)
    done = subprocess.run(
        ("setsid", "--fork", sys.executable, "-m", "cluster.keeper", folder),
        cwd=TESTS,
        env={**os.environ, "PYTHONPATH": str(SHARED_TESTS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    if not (folder / ACCESS).exists():
        raise RuntimeError(f"the cluster does not start:\n{done.stdout}")


def _is_kept(folder: Path) -> bool:
    return not _can_lock(folder / KEEPER, fcntl.LOCK_EX)


def _has_users(folder: Path) -> bool:
    """Whether somebody beside the keeper holds a lock: only then it can be shared."""
    users = folder / USERS
    return not _can_lock(users, fcntl.LOCK_EX) and _can_lock(users, fcntl.LOCK_SH)


def _can_lock(file: Path, how: int) -> bool:
    with file.open("a") as lock:
        try:
            fcntl.flock(lock, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
