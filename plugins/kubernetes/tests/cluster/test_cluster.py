"""The clusters of the tests themselves: pods run, rights count, programs stop and come back."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from docker_engine import Engine
from waiting import until

from .access import Access
from .cluster import Cluster
from .keeper import ACCESS
from .programs import FOLDER, skip_without_programs
from .sharing import SHARED_TESTS, TESTS

pytestmark = pytest.mark.thorough

JOBS = {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "get"]}


def job(image: str, *command: str) -> dict[str, object]:
    container = {
        "name": "main",
        "image": image,
        "command": command,
        "imagePullPolicy": "IfNotPresent",
    }
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"generateName": "test-"},
        "spec": {"backoffLimit": 0, "template": template},
    }


def jobs(namespace: str) -> str:
    return f"/apis/batch/v1/namespaces/{namespace}/jobs"


def pods(cluster: Access, namespace: str) -> list[dict[str, Any]]:
    return cluster.request("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]


@pytest.mark.parametrize(("code", "ended"), [("0", "Complete"), ("3", "Failed")])
async def test_a_job_runs_to_its_end_and_its_log_can_be_read(
    cluster: Access, namespace: str, busybox: str, code: str, ended: str
) -> None:
    async with cluster.admin() as http:
        made = await http.post(
            jobs(namespace), json=job(busybox, "sh", "-c", f"echo done; exit {code}")
        )
        path = f"{jobs(namespace)}/{made.raise_for_status().json()['metadata']['name']}"

        def conditions() -> list[str]:
            status = cluster.request("GET", path)["status"]
            return [each["type"] for each in status.get("conditions", ())]

        await until(conditions)
        assert conditions() == [ended]
        (pod,) = pods(cluster, namespace)
        name = pod["metadata"]["name"]
        log = await http.get(f"/api/v1/namespaces/{namespace}/pods/{name}/log")
    assert log.text == "done\n"


async def test_only_who_is_allowed_to_may_do_something(cluster: Access, namespace: str) -> None:
    user = cluster.add_user()
    cluster.allow(user, JOBS, namespace=namespace)
    for name, answer in (("nobody", 403), (user, 201)):
        async with cluster.client(name) as http:
            made = await http.post(jobs(namespace), json=job("image:1"))
        assert made.status_code == answer, made.text


async def test_a_token_that_nobody_gave_is_refused(cluster: Access, namespace: str) -> None:
    access = Access(cluster.server, cluster.authority, {"admin": "wrong"})
    async with access.admin() as http:
        assert (await http.get(jobs(namespace))).status_code == 401


async def test_a_user_that_is_removed_is_no_longer_let_in(cluster: Access) -> None:
    user = cluster.add_user()
    cluster.remove_user(user)
    async with cluster.client(user) as http:
        assert (await http.get("/api")).status_code == 401


async def test_an_image_of_the_machines_engine_can_be_copied(
    cluster: Access, docker_engine: Engine, tmp_path: Path
) -> None:
    with docker_engine.busybox(tmp_path) as name:
        cluster.copy_image(docker_engine, name)
    with cluster.engine() as engine:
        assert engine.has(name)
        engine.remove(name)


async def test_a_stopped_api_server_comes_back_with_what_it_had(control_plane: Cluster) -> None:
    namespace = control_plane.make_namespace()
    control_plane.request("POST", jobs(namespace), job("image:1"))
    for end in (control_plane.apiserver.stop, control_plane.apiserver.kill):
        end()
        assert not control_plane.answers()
        control_plane.apiserver.start()
        await control_plane.ready()
        assert len(control_plane.request("GET", jobs(namespace))["items"]) == 1


async def test_a_frozen_api_server_keeps_its_callers_waiting(control_plane: Cluster) -> None:
    async with control_plane.admin() as http:
        await http.get("/version")
        control_plane.apiserver.freeze()
        with pytest.raises(httpx.TimeoutException):
            await http.get("/version", timeout=0.2)
        control_plane.apiserver.thaw()
        assert (await http.get("/version")).json()["gitVersion"] == "v1.20.2"


async def test_a_test_plays_the_node_where_there_is_none(control_plane: Cluster) -> None:
    namespace = control_plane.make_namespace()
    made = control_plane.request("POST", jobs(namespace), job("image:1"))
    await until(lambda: pods(control_plane, namespace))
    (pod,) = pods(control_plane, namespace)
    name = {"name": pod["metadata"]["name"]}
    path = f"/api/v1/namespaces/{namespace}/pods/{name['name']}"
    node = {"kind": "Node", "name": "imagined"}
    control_plane.request("POST", f"{path}/binding", {"metadata": name, "target": node})
    control_plane.request("PATCH", f"{path}/status", {"status": {"phase": "Succeeded"}})
    job_path = f"{jobs(namespace)}/{made['metadata']['name']}"
    await until(lambda: control_plane.request("GET", job_path)["status"].get("succeeded") == 1)


async def test_a_pod_goes_on_while_its_kubelet_is_away(
    own_cluster: Cluster, tmp_path: Path
) -> None:
    with own_cluster.engine() as engine, engine.busybox(tmp_path) as image:
        namespace = own_cluster.make_namespace()
        own_cluster.request("POST", jobs(namespace), job(image, "sleep", "2"))

        def phase() -> str:
            (pod,) = pods(own_cluster, namespace) or ({"status": {"phase": ""}},)
            return pod["status"]["phase"]

        def has_ended() -> bool:
            (container,) = engine.containers(**{"io.kubernetes.container.name": "main"})
            return container["State"] == "exited"

        await until(lambda: phase() == "Running")
        own_cluster.kubelet.kill()
        await until(has_ended)
        assert phase() == "Running"
        own_cluster.kubelet.start()
        await until(lambda: phase() == "Succeeded")


async def test_what_a_test_left_stopped_or_frozen_runs_again(own_cluster: Cluster) -> None:
    own_cluster.kubelet.kill()
    own_cluster.controllers.freeze()
    own_cluster.apiserver.stop()
    own_cluster.restore()
    assert all(program.runs for program in own_cluster.programs)
    assert own_cluster.make_namespace()


USE = """
import sys
from pathlib import Path
from cluster.sharing import shared_cluster
with shared_cluster(Path(sys.argv[1])) as cluster:
    print(cluster.server, cluster.answers(), flush=True)
    sys.stdin.readline()
"""


@contextmanager
def user(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses a shared cluster until it reads a line."""
    places = {"LAUNCHKIT_KUBERNETES_BIN": str(FOLDER)}  # it looks for them at a test's home
    with subprocess.Popen(
        [sys.executable, "-c", USE, folder],
        cwd=TESTS,
        env={**os.environ, **places, "PYTHONPATH": f"{TESTS}:{SHARED_TESTS}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def test_processes_share_a_cluster_that_ends_with_the_last_of_them(tmp_path: Path) -> None:
    skip_without_programs(node=True)
    with user(tmp_path) as first, user(tmp_path) as second:
        use = first.stdout.readline()
        assert second.stdout.readline() == use
        server, answers = use.split()
        assert answers == "True"
        second.kill()  # nobody says goodbye
        second.wait()
        access = Access(**json.loads((tmp_path / ACCESS).read_text()))
        assert access.server == server
        assert access.answers()
        first.communicate("\n")
        assert first.returncode == 0
        assert not access.answers()
        assert not Path(access.socket).parent.exists()
