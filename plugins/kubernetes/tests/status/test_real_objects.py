"""What real objects mean: each Job is made in a real cluster and watched until it is clear."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from launchkit_kubernetes.status.job import job_status
from launchkit_kubernetes.status.pod import Pod, starting_on
from waiting import until

from launchkit.model import RunStatus

from ..cluster.access import Access

MANY = {"requests": {"cpu": "900"}}
LITTLE = {"limits": {"memory": "16Mi"}}
GROWS = ["sh", "-c", "a=xxxxxxxx; while :; do a=$a$a; done"]
SIDECAR = {"name": "beside", "command": ["sleep", "600"]}
SECRET = [{"secretRef": {"name": "nope"}}]


@dataclass(frozen=True)
class Case:
    """A Job, and what is to be said of it."""

    state: str
    code: str | None = None
    exit_code: int | None = None
    says: str = ""
    on: str = "start"


def job(*command: str, spec: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A Job that runs *command*; *spec* is merged into that of its pod, the rest into its own."""
    container = {"name": "main", "command": command, "imagePullPolicy": "IfNotPresent"}
    return {
        "backoffLimit": 0,
        "template": {"spec": {"restartPolicy": "Never", "containers": [container], **(spec or {})}},
        **more,
    }


def main(**more: Any) -> dict[str, Any]:
    """The part of a pod that makes its main container so."""
    return {"containers": [{"name": "main", "command": ["true"], **more}]}


def with_sidecar(*command: str) -> dict[str, Any]:
    return {"containers": [{"name": "main", "command": command}, SIDECAR]}


def with_init(*command: str) -> dict[str, Any]:
    return {"initContainers": [{"name": "fetch", "command": command}]}


def sh(script: str) -> tuple[str, ...]:
    return "sh", "-c", script


CASES: Mapping[str, tuple[dict[str, Any], Case]] = {
    "ends-well": (job("true"), Case("finished", "ok", 0)),
    "ends-badly": (job(*sh("exit 3")), Case("failed", "user_exit", 3)),
    "is-killed": (job(*sh("exit 139")), Case("failed", "killed_by_signal", 139, "SIGSEGV")),
    "grows": (
        job(spec=main(command=GROWS, resources=LITTLE)),
        Case("failed", "oom_killed", 137, "more memory than it may"),
    ),
    "two-parts": (job("true", completions=2), Case("finished", "ok", 0)),
    "runs": (job("sleep", "600"), Case("running")),
    "is-not-there": (job("nope"), Case("failed", "entry_point_not_found", 127, "nope")),
    "is-a-directory": (job("/dev"), Case("failed", "entry_point_not_executable", 126)),
    "fails-again": (
        job(*sh("exit 6"), spec={"restartPolicy": "OnFailure"}, backoffLimit=1),
        Case("failed", "user_exit", 6),
    ),
    "init-fails": (
        job("true", spec=with_init(*sh("exit 4"))),
        Case("failed", "setup_failed", 4, "init container fetch"),
    ),
    "init-runs": (
        job("true", spec=with_init("sleep", "600")),
        Case("starting", says="init container fetch runs"),
    ),
    "sidecar-stays": (job(spec=with_sidecar("true")), Case("finished", "ok", 0)),
    "sidecar-stays-bad": (job(spec=with_sidecar(*sh("exit 5"))), Case("failed", "user_exit", 5)),
    "too-long": (
        job("sleep", "600", activeDeadlineSeconds=2),
        Case("failed", "run_timeout", says="longer than specified deadline"),
    ),
    "has-no-place": (
        job(spec=main(resources=MANY)),
        Case("starting", says="Insufficient cpu", on="place"),
    ),
    "has-no-image": (
        job(spec=main(image="nope:1", imagePullPolicy="Never")),
        Case("failed", "image_pull_failed", says="not present with pull policy of Never"),
    ),
    "has-no-image-name": (
        job(spec=main(image="Nope:::1")),
        Case("failed", "image_pull_failed", says="invalid reference format"),
    ),
    "has-no-registry": (
        job(spec=main(image="127.0.0.1:1/nope:1", imagePullPolicy="Always")),
        Case("starting", says="127.0.0.1:1"),
    ),
    "has-no-secret": (
        job(spec=main(envFrom=SECRET)),
        Case("failed", "config_error", says='secret "nope" not found'),
    ),
    "must-not-be-root": (
        job(spec=main(securityContext={"runAsNonRoot": True})),
        Case("failed", "config_error", says="runAsNonRoot"),
    ),
}


@pytest.fixture(scope="module")
def jobs(cluster: Access, busybox: str) -> Any:
    """The path of a namespace in which all of them have been made."""
    namespace = cluster.make_namespace()
    for name, (spec, _) in CASES.items():
        for container in (*containers(spec, "containers"), *containers(spec, "initContainers")):
            container.setdefault("image", busybox)
            container.setdefault("imagePullPolicy", "IfNotPresent")
        content = {"metadata": {"name": name}, "spec": spec}
        cluster.request("POST", f"/apis/batch/v1/namespaces/{namespace}/jobs", content)
    yield namespace
    cluster.remove_namespace(namespace)


def containers(spec: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = spec["template"]["spec"].get(key, [])
    return found


@pytest.mark.parametrize("name", CASES)
async def test_a_real_job_means_what_people_would_say_of_it(
    cluster: Access, jobs: str, name: str
) -> None:
    wanted = CASES[name][1]
    seen: list[RunStatus] = []
    pods: list[Pod] = []

    def is_clear() -> bool:
        job = cluster.request("GET", f"/apis/batch/v1/namespaces/{jobs}/jobs/{name}")
        path = f"/api/v1/namespaces/{jobs}/pods?labelSelector=job-name%3D{name}"
        pods[:] = map(Pod.of, cluster.request("GET", path)["items"])
        status = job_status(job, pods, main="main")
        seen.append(status)
        return status.state == wanted.state and wanted.says in (status.message or "")

    await until(lambda: is_clear() or seen[-1].state.ended)
    status = seen[-1]
    code = status.verdict.code if status.verdict else None
    assert (status.state, code, status.exit_code) == (wanted.state, wanted.code, wanted.exit_code)
    assert wanted.says in (status.message or ""), status
    if status.state == "starting":
        assert starting_on(*pods) == wanted.on
