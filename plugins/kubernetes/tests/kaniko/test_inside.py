"""The agent's image, small and without rights, and two agents of it that the chart has installed:
one is upgraded, and one is that of the tutorial, which is typed as it stands.
"""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from docker_engine import Engine
from pages import ROOT, blocks, commands_of, type_commands, write_files
from ports import free_port
from postgres import Postgres
from services import skip_without
from surroundings import empty_schema
from waiting import until

from ..chart.charts import NAME, need_helm
from ..cluster.access import Access
from ..inside import Queue, agent_values, api_port, probes, reached_from_the_node, running
from ..releases import release
from .conftest import LOGIN
from .git_server import git_server, make_repository
from .registries import NearRegistry

LARGEST = 88_000_000
"""What may be added to a base, which has some 60 MB with Python, git and ssh."""
PATIENT = "until [ -e /gate/open ]; do sleep 1; done; echo the gate is open"
TUTORIAL = ROOT / "docs" / "tutorial" / "in-the-cluster.md"
HELM = '#!/bin/sh\nexec "{python}" "{program}" "$@"\n'


@pytest.fixture(autouse=True)
def programs() -> None:
    """What the chart and the ways to the node need."""
    need_helm()
    if not shutil.which("socat"):
        skip_without("socat")


def output(engine: Engine, image: str, *command: str) -> str:
    """What a command prints in the image, as a container with as few rights as in the chart."""
    config = {
        "Image": image,
        "Cmd": command[1:],
        "Entrypoint": command[:1],
        "HostConfig": {
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "NetworkMode": "none",
            "Tmpfs": {"/tmp": "", "/home/launchkit": "uid=1000"},
        },
    }
    made = engine.http.post("/containers/create", json=config).raise_for_status().json()["Id"]
    try:
        engine.http.post(f"/containers/{made}/start").raise_for_status()
        code = engine.http.post(f"/containers/{made}/wait").json()["StatusCode"]
        params = {"stdout": "1", "stderr": "1"}
        told = engine.http.get(f"/containers/{made}/logs", params=params).text
        assert code == 0, told
        return told
    finally:
        engine.http.delete(f"/containers/{made}", params={"force": "1"})


def test_it_is_small_and_belongs_to_nobody_with_rights(
    node_engine: Engine, agent_images: tuple[str, str]
) -> None:
    image, base = agent_images
    found = node_engine.http.get(f"/images/{image}/json").raise_for_status().json()
    assert found["Config"]["User"] == "1000:1000"
    assert found["Config"]["Entrypoint"] == ["launchkit"]
    added = found["Size"] - node_engine.http.get(f"/images/{base}/json").json()["Size"]
    assert added < LARGEST


def test_it_has_the_plugins_of_a_cluster_and_git(
    node_engine: Engine, agent_images: tuple[str, str]
) -> None:
    image, engine = agent_images[0], node_engine
    assert "uid=1000" in output(engine, image, "id")
    assert "git version" in output(engine, image, "git", "--version")
    code = "import launchkit_kubernetes, launchkit_server, asyncpg, prometheus_client"
    output(engine, image, "python", "-c", code)
    assert "launchkit" in output(engine, image, "launchkit", "--version")


async def test_an_agent_of_the_chart_runs_a_launch_and_is_upgraded_without_losing_it(
    cluster: Access, namespace: str, busybox: str, agent_images: tuple[str, str], tmp_path: Path
) -> None:
    queue = Queue(tmp_path)
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
    values: dict[str, Any] = {
        "baseUrl": queue.url,
        "agent": {**agent_values(cluster, agent_images[0]), "drainTimeout": 1},
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
        reached_from_the_node(cluster, tmp_path, api_port(cluster), queue.port),
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


async def test_the_queue_service_of_the_chart_serves_the_agent_of_the_chart(
    cluster: Access,
    namespace: str,
    busybox: str,
    agent_images: tuple[str, str],
    postgres: Postgres,
    tmp_path: Path,
) -> None:
    database = await empty_schema(postgres)
    queue = Queue(tmp_path, database)
    queue.type("queue", "create", "train", "--resource", "kubernetes")
    token = tmp_path / "agent.token"
    queue.type("token", "create", "--agent", NAME, "--queue", "train", "--token-out", str(token))
    values = {
        "baseUrl": "http://127.0.0.1:8700",
        "agent": {**agent_values(cluster, agent_images[0]), "apiKey": token.read_text().strip()},
        "server": {
            "enabled": True,
            "database": {"url": database},
            "podSpec": {"hostNetwork": True},
            **probes(8700),
        },
    }
    ports = (api_port(cluster), urlsplit(database).port or 5432)
    with (
        reached_from_the_node(cluster, tmp_path, *ports),
        release(cluster, namespace, tmp_path) as demo,
    ):
        demo.install(values)
        queue.type("launch", "-q", "train", "-d", busybox, "--name", "first", "-E", "echo it ran",
                   "--wait")  # fmt: skip
        assert queue.type("logs", "first") == "it ran\n"
        demo.uninstall()


def fit_to_this_cluster(path: Path, agent: Mapping[str, Any], builder: Mapping[str, Any]) -> None:
    """Add to the tutorial's values what this cluster wants otherwise."""
    values = yaml.safe_load(path.read_text())
    values["agent"] |= agent
    values["launchConfig"]["registry"]["insecure"] = True
    values["launchConfig"]["builder"] |= builder
    path.write_text(yaml.safe_dump(values))


async def test_the_tutorial_takes_a_repository_to_an_image_to_a_job(
    cluster: Access,
    settings: Mapping[str, Any],
    agent_images: tuple[str, str],
    near: NearRegistry,
    word: str,
    tmp_path: Path,
) -> None:
    queue, git_port = Queue(tmp_path), free_port()
    user, password = LOGIN
    served, folder = tmp_path / "served", tmp_path / "typed"
    served.mkdir()
    folder.mkdir()
    replaced = {
        "https://queue.example.com": queue.url,
        "https://git.example.com/team": f"http://127.0.0.1:{git_port}/cgi-bin/git",
        "registry.example.com/team/jobs": f"{near.host}/{word}",
        "robot": user,
        f"the-password-of-a-{user}": password,
        "plugins/kubernetes/chart": str(ROOT / "plugins/kubernetes/chart"),
        "namespace ml": f"namespace {settings['namespace']}",
        "FROM busybox:1.36": "FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh",
    }
    write_files(TUTORIAL, folder, replaced)
    shutil.copy("/bin/busybox", folder / "project" / "busybox")
    make_repository(folder / "project", served / "project.git")
    serve_git = git_server(served, git_port)
    builder = {key: settings[key] for key in ("kaniko_image", "kaniko_config")}
    fit_to_this_cluster(folder / "values.yaml", agent_values(cluster, agent_images[0]), builder)
    programs = tmp_path / "programs"
    programs.mkdir()
    helm = programs / "helm"
    program = Path(__file__).parents[1] / "helm_program.py"
    helm.write_text(HELM.format(python=sys.executable, program=program))
    helm.chmod(0o755)
    environ = {
        **queue.environ,
        "PATH": f"{programs}:{Path(sys.executable).parent}:{queue.environ['PATH']}",
        "KUBECONFIG": settings["config_file"],
    }
    with (
        running(*queue.serve()),
        running(*serve_git),
        reached_from_the_node(cluster, tmp_path, api_port(cluster), queue.port, git_port),
    ):
        await until(queue.answers)
        type_commands(commands_of(blocks(TUTORIAL)), folder, replaced, environ)
