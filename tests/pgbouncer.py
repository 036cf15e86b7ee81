"""A real PgBouncer in transaction mode before a PostgreSQL server."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
from ports import free_port
from postgres import RUNUSER, Postgres
from services import skip_without
from waiting import until

SETTINGS = """
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 4
"""


@contextmanager
def pooled(server: Postgres) -> Iterator[int]:
    """The port of a pooler; the test is skipped where there is none."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        skip_without("pgbouncer")
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="launchkit-pool-", dir="/tmp"))
    settings = SETTINGS.format(server=server.port, port=port, folder=folder)
    (folder / "pool.ini").write_text(settings)
    (folder / "users").write_text('"lk" ""\n')
    folder.chmod(0o755)
    as_other = [RUNUSER, "-u", "postgres", "--"] if os.geteuid() == 0 else []
    command = [*as_other, program, "-q", str(folder / "pool.ini")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd="/") as process:
        try:
            anyio.run(until, lambda: _listens(port))
            yield port
        finally:
            process.terminate()
    shutil.rmtree(folder)


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
