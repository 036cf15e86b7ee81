"""What test runs that go on at the same time share on one machine, such as an Engine's images."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def in_use(what: str) -> Iterator[Callable[[], bool]]:
    """Say that this test run uses *what*. Who asks at the end whether it was the last one to do so
    may clear away if it was: until the context ends, a new user waits.
    """
    with _lock(what).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)

        def is_last() -> bool:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        yield is_last


@contextmanager
def one_at_a_time(what: str) -> Iterator[None]:
    """Wait for other test runs that do the same."""
    with _lock(what).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lock(what: str) -> Path:
    return Path(tempfile.gettempdir()) / f"launchkit-tests-{os.geteuid()}-{what}.lock"
