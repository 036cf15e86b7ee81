"""A throw-away PostgreSQL server on the loopback interface."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ports import free_port
from services import skip_if_hidden, skip_without
from waiting import PATIENCE

NAMES = ("initdb", "pg_ctl")
WAIT = ("-t", f"{PATIENCE:.0f}")
RUNUSER = shutil.which("runuser") or "/usr/sbin/runuser"
"""The server refuses to run as root."""


def find_programs() -> Path | None:
    """Where PostgreSQL's server programs are, if it is installed."""
    places = [Path(p) for p in os.environ["PATH"].split(":")]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((p for p in places if all((p / name).exists() for name in NAMES)), None)


class Postgres:
    """One server with its data; it may be stopped and started again."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="launchkit-pg-", dir="/tmp"))
        self.port = free_port()
        self._as = [RUNUSER, "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self._as:
            shutil.chown(self._folder, "postgres", "postgres")
        self._run(
            "initdb", "-D", self._data, "-U", "lk", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"
        )

    @property
    def url(self) -> str:
        return f"postgresql://lk@127.0.0.1:{self.port}/postgres"

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def start(self) -> None:
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c max_connections=100"
        options += f" -c unix_socket_directories={self._folder}"
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", self._data, "-l", log, "-w", *WAIT, "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", self._data, "-m", mode, "-w", *WAIT, "stop")

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *args: str) -> None:
        command = [*self._as, str(self._programs / program), *args]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")


@contextmanager
def served() -> Iterator[Postgres]:
    """A server that runs, and is gone at the end; the test is skipped where there can be none."""
    skip_if_hidden("postgres")
    programs = find_programs()
    if programs is None:
        skip_without("PostgreSQL's server")
    server = Postgres(programs)
    server.start()
    yield server
    server.remove()
