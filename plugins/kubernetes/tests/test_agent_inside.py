"""An agent that the chart has installed claims from a queue service outside, and is upgraded."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import yaml
from services import skip_without
from waiting import until

from .chart.charts import NAME, need_helm
from .cluster.access import Access
from .cluster.programs import NEVER_ALONE, free_port
from .releases import release

PROBE = "import sys, urllib.request as r; r.urlopen('http://127.0.0.1:%d/%s', timeout=5)"
PROBES = {"liveness": "livez", "readiness": "readyz", "startup": "livez"}
PATIENT = "until [ -e /gate/open ]; do sleep 1; done; echo the gate is open"


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
    """A queue service of this machine, and what its administrator types."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LAUNCHKIT_BACKEND": self.url,
            "LAUNCHKIT_TOKEN_FILE": str(folder / "admin.token"),
        }

    def serve(self) -> tuple[str | Path, ...]:
        """The command of the service."""
        admin = ("--admin-token-file", self._folder / "admin.token")
        place = ("--port", str(self.port), "--data", self._folder / "data", *admin)
        return (sys.executable, "-m", "launchkit", "server", *place)

    def answers(self) -> bool:
        """Whether it is there."""
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False).is_success
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


async def test_an_agent_of_the_chart_runs_a_launch_and_is_upgraded_without_losing_it(
    cluster: Access, namespace: str, busybox: str, agent_images: tuple[str, str], tmp_path: Path
) -> None:
    need_helm()
    if not shutil.which("socat"):
        skip_without("socat")
    queue = Queue(tmp_path)
    api = urlsplit(cluster.server).port or 443
    gate = tmp_path / "gate"
    gate.mkdir()
    config: dict[str, Any] = {
        "namespace": namespace,
        "spec": {"template": {"spec": {
            "containers": [{"volumeMounts": [{"name": "gate", "mountPath": "/gate"}]}],
            "volumes": [{"name": "gate", "hostPath": {"path": str(gate)}}],
        }}},
    }  # fmt: skip
    (tmp_path / "queue.yaml").write_text(yaml.safe_dump(config))
    metrics = free_port()
    values: dict[str, Any] = {
        "baseUrl": queue.url,
        "agent": {
            "image": agent_images[0],
            "metricsPort": metrics,
            "drainTimeout": 1,
            "podSpec": {"hostNetwork": True},
            "env": [
                {"name": "KUBERNETES_SERVICE_HOST", "value": "127.0.0.1"},
                {"name": "KUBERNETES_SERVICE_PORT", "value": str(api)},
            ],
            **{
                f"{kind}Probe": {
                    "httpGet": None,
                    "exec": {"command": ["python", "-c", PROBE % (metrics, path)]},
                }
                for kind, path in {
                    "liveness": "livez",
                    "readiness": "readyz",
                    "startup": "livez",
                }.items()
            },
        },
    }

    def agents() -> list[tuple[str, bool]]:
        """The pods of the agent, and whether each is ready."""
        label = "labelSelector=app.kubernetes.io/component=agent"
        found = cluster.request("GET", f"/api/v1/namespaces/{namespace}/pods?{label}")["items"]
        return [
            (
                one["metadata"]["name"],
                any(
                    each["type"] == "Ready" and each["status"] == "True"
                    for each in one["status"].get("conditions", ())
                ),
            )
            for one in found
        ]

    def the_only_one_is_ready() -> bool:
        return [ready for _, ready in agents()] == [True]

    with (
        running(*queue.serve()),
        reached_from_the_node(cluster, tmp_path, api, queue.port),
        release(cluster, namespace, tmp_path) as demo,
    ):
        await until(queue.answers)
        queue.type("queue", "create", "train", "--resource", "kubernetes",
                   "--config", str(tmp_path / "queue.yaml"))  # fmt: skip
        token = tmp_path / "agent.token"
        queue.type(
            "token", "create", "--agent", NAME, "--queue", "train", "--token-out", str(token)
        )
        values["agent"]["apiKey"] = token.read_text().strip()
        demo.install(values)
        await until(the_only_one_is_ready)
        ((first, _),) = agents()
        queue.type("launch", "-q", "train", "-d", busybox, "--name", "patient",
                   "-E", f"sh -c '{PATIENT}'")  # fmt: skip
        await until(lambda: "running" in queue.type("show", "patient"))
        demo.upgrade(values, {"launchConfig": "queues: [train]\nmax_jobs: 7"})
        await until(lambda: the_only_one_is_ready() and agents()[0][0] != first)
        (gate / "open").touch()
        queue.type("wait", "patient")
        assert queue.type("logs", "patient") == "the gate is open\n"
        shown = queue.type("show", "patient")
        assert "try 2" not in shown
        assert agents()[0][0] in shown
        demo.uninstall()
        await until(lambda: not agents())
