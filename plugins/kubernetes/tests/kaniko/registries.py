"""A registry of this machine that the pods of a node reach under the same address."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from launchkit.testing import RegistryServer, registry_server

from ..cluster.access import Access
from ..cluster.programs import Program

LISTENS = "0A"
"""In `/proc/net/tcp`."""


@dataclass
class NearRegistry:
    """The registry, and the way to it from the node, whose network is its own."""

    server: RegistryServer
    here: Program
    there: Program
    access: Access

    @property
    def host(self) -> str:
        """With its port; the same for all."""
        return self.server.host

    def open(self) -> None:
        """Let pods reach it."""
        self.here.start()
        self.there.start()
        self.access.wait_for(self._listens)

    def close(self) -> None:
        """Let no pod reach it."""
        self.there.kill()
        self.here.kill()

    def _listens(self) -> bool:
        port = f":{int(self.host.rpartition(':')[2]):04X}"
        table = Path(f"/proc/{_engine_pid(self.access)}/net/tcp").read_text().splitlines()[1:]
        rows = (line.split() for line in table)
        return any(row[1].endswith(port) and row[3] == LISTENS for row in rows)


@contextmanager
def near_registry(
    access: Access, folder: Path, login: tuple[str, str] | None = None
) -> Iterator[NearRegistry]:
    """It, for the time of the context."""
    with registry_server(folder, login=login) as server, near(server, access, folder) as one:
        yield one


@contextmanager
def near(server: RegistryServer, access: Access, folder: Path) -> Iterator[NearRegistry]:
    """What pods reach as we do: a registry that runs, or any other server."""
    folder.mkdir(parents=True, exist_ok=True)
    way = folder / "way"
    port = server.host.rpartition(":")[2]
    made = NearRegistry(
        server,
        Program(
            "socat",
            f"UNIX-LISTEN:{way},fork,unlink-early",
            f"TCP:{server.host}",
            log=folder / "here.log",
        ),
        Program(
            *("nsenter", "--net", "--target", _engine_pid(access), "--"),
            *("socat", f"TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr"),
            f"UNIX-CONNECT:{way}",
            log=folder / "there.log",
        ),
        access,
    )
    try:
        made.open()
        yield made
    finally:
        made.close()


def _engine_pid(access: Access) -> str:
    """The process of the node's Engine, in whose network its pods are."""
    return (Path(access.socket).parent / "pid").read_text().strip()
