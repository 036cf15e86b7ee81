"""What an agent inside the cluster needs of this machine, whose services its pods do not reach."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from ports import free_port

from .cluster.access import Access
from .cluster.programs import NEVER_ALONE

PROBE = "import sys, urllib.request as r; r.urlopen('http://127.0.0.1:%d/%s', timeout=5)"
PROBES = {"liveness": "livez", "readiness": "readyz", "startup": "livez"}


@contextmanager
def running(*command: str | Path) -> Iterator[None]:
    """A program in the background."""
    process = subprocess.Popen(
        [*NEVER_ALONE, "KILL", *map(str, command)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def reached_from_the_node(cluster: Access, folder: Path, *ports: int) -> Iterator[None]:
    """Ports of this machine that pods with the node's own network reach: it has no other way."""
    pid = Path(cluster.socket).with_name("pid").read_text().strip()
    with ExitStack() as stack:
        for port in ports:
            way = folder / f"{port}"
            out = ("socat", f"UNIX-LISTEN:{way},fork", f"TCP:127.0.0.1:{port}")
            stack.enter_context(running(*out))
            listen = f"TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr"
            enter = ("nsenter", "--net", "--target", pid)
            stack.enter_context(running(*enter, "socat", listen, f"UNIX-CONNECT:{way}"))
        yield


class Queue:
    """A queue service of this machine, or another queue, and what its administrator types."""

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self._folder, self.port = folder, free_port()
        self.url = url or f"http://127.0.0.1:{self.port}"
        self._environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LAUNCHKIT_BACKEND": self.url,
            "LAUNCHKIT_TOKEN_FILE": str(folder / "admin.token"),
        }

    @property
    def environ(self) -> dict[str, str]:
        """What its administrator has set."""
        return self._environ

    def serve(self) -> tuple[str | Path, ...]:
        """The command of the service."""
        admin = ("--admin-token-file", self._folder / "admin.token")
        place = ("--port", str(self.port), "--data", self._folder / "data", *admin)
        return (sys.executable, "-m", "launchkit", "server", *place)

    def answers(self) -> bool:
        """Whether it is there."""
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False, timeout=5).is_success
        except httpx.TransportError:
            return False

    def type(self, *words: str) -> str:
        """What a command prints."""
        command = [sys.executable, "-m", "launchkit", *words]
        done = subprocess.run(
            command, env=self._environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def api_port(cluster: Access) -> int:
    """Where the API server listens."""
    return urlsplit(cluster.server).port or 443


def agent_values(cluster: Access, image: str) -> dict[str, Any]:
    """Values of the chart for an agent in the node's own network; the kubelet is not in it."""
    metrics = free_port()
    return {
        "image": image,
        "metricsPort": metrics,
        "podSpec": {"hostNetwork": True},
        "env": [
            {"name": "KUBERNETES_SERVICE_HOST", "value": "127.0.0.1"},
            {"name": "KUBERNETES_SERVICE_PORT", "value": str(api_port(cluster))},
        ],
        **probes(metrics),
    }


def probes(port: int) -> dict[str, Any]:
    """Probes that look from within the pod."""
    return {
        f"{kind}Probe": {
            "httpGet": None,
            "exec": {"command": ["python", "-c", PROBE % (port, path)]},
        }
        for kind, path in PROBES.items()
    }
