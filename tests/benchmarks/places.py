"""Databases to measure on: a SQLite file on disk, and a PostgreSQL server of our own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import anyio
from postgres import Postgres, find_programs

from launchkit.store.connecting import migrate

Kind = Literal["sqlite", "postgresql"]
TESTS = Path(__file__).parent.parent


@contextmanager
def folder() -> Iterator[Path]:
    """A temporary directory."""
    with TemporaryDirectory(prefix="launchkit-bench-") as name:
        yield Path(name)


@contextmanager
def database(kind: Kind) -> Iterator[str]:
    """The URL of an empty database."""
    with folder() as place:
        if kind == "sqlite":
            yield f"sqlite:///{place}/launchkit.db"
            return
        programs = find_programs()
        if programs is None:
            raise SystemExit("PostgreSQL's server is not installed")
        server = Postgres(programs)
        server.start()
        try:
            anyio.run(migrate, server.url)
            yield server.url
        finally:
            server.remove()


def python(*args: str) -> "subprocess.Popen[str]":
    """Another Python process that can import the benchmarks."""
    return subprocess.Popen(
        [sys.executable, *args], cwd=TESTS, stdout=subprocess.PIPE, text=True, env=None
    )
