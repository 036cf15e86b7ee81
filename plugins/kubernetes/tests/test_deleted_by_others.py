"""Runs whose root object others delete, on a real control plane whose node the tests play."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import pytest
from launchkit_kubernetes.manifest.names import Ref
from launchkit_kubernetes.runner import KubernetesRunner
from waiting import PATIENCE, until

from launchkit.abc import Run
from launchkit.errors import RunLost
from launchkit.model import RunState, RunStatus, Submission
from launchkit.testing import make_submission, started

from .cluster.cluster import Cluster
from .manifest.examples import SEED_PYTORCH, example
from .operators import PYTORCH_JOB, RUNS, play
from .workloads import begun

GRACE, UNTOLD_GRACE, YEAR = 7, 60, 31_536_000
ITS_PODS_END = "was deleted, and not by launchkit: its pods end"
NODE: dict[str, Any] = {"nodeName": "a", "terminationGracePeriodSeconds": YEAR}
HOLD = "somebody.example/holds"


def launch(args: dict[str, Any]) -> Submission:
    made = make_submission("true", image="img:1", resource_args=args)
    limits = replace(made.launch.limits, stop_grace=GRACE)
    return replace(made, launch=replace(made.launch, limits=limits))


def job(place: str) -> Submission:
    return launch({"namespace": place, "spec": {"template": {"spec": NODE}}})


def path(run: Run) -> str:
    ref = Ref.parse(run.ref)
    kinds = {"Job": "jobs", "PyTorchJob": "pytorchjobs"}
    return f"/apis/{ref.api_version}/namespaces/{ref.namespace}/{kinds[ref.kind]}/{ref.name}"


def pods(cluster: Cluster, place: str) -> dict[str, int | None]:
    """How long each has to end that is to be removed, by its name."""
    found = cluster.request("GET", f"/api/v1/namespaces/{place}/pods")["items"]
    each = [one["metadata"] for one in found]
    return {one["name"]: one.get("deletionGracePeriodSeconds") for one in each}


def end_pod(cluster: Cluster, place: str, name: str) -> None:
    """As its kubelet does."""
    cluster.request("DELETE", f"/api/v1/namespaces/{place}/pods/{name}", {"gracePeriodSeconds": 0})


async def running(run: Run, cluster: Cluster, place: str) -> str:
    """The name of its pod, which runs."""
    await until(lambda: pods(cluster, place))
    (pod,) = pods(cluster, place)
    play(cluster, place, pod, RUNS, "Running")
    await seen(run, lambda status: status.state is RunState.RUNNING)
    return pod


async def seen(run: Run, wanted: Callable[[RunStatus], bool]) -> None:
    status = await run.status()
    with anyio.fail_after(PATIENCE):
        while not wanted(status):
            status = await run.changed(status)


async def delete(cluster: Cluster, run: Run, how: str = "Orphan") -> None:
    cluster.request("DELETE", path(run), {"propagationPolicy": how})
    await until(lambda: not cluster.request("GET", path(run).rpartition("/")[0])["items"])


async def require_lost_with_its_pod(run: Run, cluster: Cluster, place: str, grace: int) -> None:
    """See that it runs until its pod is gone, which is asked to end in time."""
    await seen(run, lambda status: ITS_PODS_END in (status.message or ""))
    await until(lambda: [*pods(cluster, place).values()] == [grace])
    assert (await run.status()).state is RunState.RUNNING
    (pod,) = pods(cluster, place)
    end_pod(cluster, place, pod)
    with pytest.raises(RunLost, match="nothing tells how it ended"):
        await seen(run, lambda status: status.state.ended)


@asynccontextmanager
async def found(runner: KubernetesRunner, run: Run, submission: Submission) -> AsyncIterator[Run]:
    """The run as the next agent finds it."""
    made = KubernetesRunner(config_file=runner.config_file, gone_seconds=5)
    async with started(made, runner._site) as other:
        await other.require_own(run.ref, submission.launch.which)
        yield await other.attach(run.ref)


@pytest.mark.parametrize("how", ["Background", "Orphan"])
async def test_a_run_whose_job_somebody_deleted_is_lost_when_its_pods_have_ended_in_its_grace(
    runner: KubernetesRunner, control_plane: Cluster, place: str, how: str
) -> None:
    run = await begun(runner, job(place))
    await running(run, control_plane, place)
    await delete(control_plane, run, how)
    await require_lost_with_its_pod(run, control_plane, place, GRACE)


async def test_pods_of_a_deleted_job_that_is_held_are_ended(
    runner: KubernetesRunner, control_plane: Cluster, place: str
) -> None:
    run = await begun(runner, job(place))
    await running(run, control_plane, place)
    control_plane.patch(path(run), {"metadata": {"finalizers": [HOLD]}})
    control_plane.request("DELETE", path(run), {"propagationPolicy": "Background"})
    try:
        await require_lost_with_its_pod(run, control_plane, place, GRACE)
    finally:
        control_plane.patch(path(run), {"metadata": {"finalizers": None}})


async def test_the_next_agent_ends_the_pods_of_a_job_that_was_deleted_before(
    runner: KubernetesRunner, control_plane: Cluster, place: str
) -> None:
    submission = job(place)
    run = await begun(runner, submission)
    await running(run, control_plane, place)
    await delete(control_plane, run)
    async with found(runner, run, submission) as again:
        await require_lost_with_its_pod(again, control_plane, place, UNTOLD_GRACE)


async def test_a_run_whose_job_was_deleted_before_is_stopped_by_the_next_agent(
    runner: KubernetesRunner, control_plane: Cluster, place: str
) -> None:
    submission = job(place)
    run = await begun(runner, submission)
    pod = await running(run, control_plane, place)
    await delete(control_plane, run)
    async with found(runner, run, submission) as again, anyio.create_task_group() as tasks:
        tasks.start_soon(again.cancel, GRACE)
        await until(lambda: pods(control_plane, place) == {pod: GRACE})
        end_pod(control_plane, place, pod)
        await seen(again, lambda status: status.state is RunState.STOPPED)


async def test_the_next_agent_ends_the_pods_of_a_custom_resource_that_was_deleted_before(
    runner: KubernetesRunner, control_plane: Cluster, place: str
) -> None:
    PYTORCH_JOB.install(control_plane)
    config = example(SEED_PYTORCH)["kubernetes"]
    submission = launch({**config, "metadata": {}, "namespace": place})
    run = await begun(runner, submission)
    made = control_plane.request("GET", path(run))["metadata"]
    spec = {**NODE, "containers": [{"name": "main", "image": "img:1"}]}
    body = {"metadata": {"name": "p", "labels": made["labels"]}, "spec": spec}
    control_plane.request("POST", f"/api/v1/namespaces/{place}/pods", body)
    await delete(control_plane, run, "Background")
    async with found(runner, run, submission) as again:
        await require_lost_with_its_pod(again, control_plane, place, UNTOLD_GRACE)


async def test_pods_of_others_with_the_labels_of_a_run_whose_job_was_deleted_are_none_of_its(
    runner: KubernetesRunner, control_plane: Cluster, place: str
) -> None:
    submission = launch({"namespace": place})
    run = await begun(runner, submission)
    made = control_plane.request("GET", path(run))["metadata"]
    ours = {key: value for key, value in made["labels"].items() if key.startswith("launchkit/")}
    of_another_run = {**ours, "job-name": made["name"], "launchkit/run-id": "another"}
    spec = {"containers": [{"name": "c", "image": "img:1"}], "restartPolicy": "Never"}
    for name, labels in {"bare": ours, "another": of_another_run}.items():
        body = {"metadata": {"name": name, "labels": labels}, "spec": spec}
        control_plane.request("POST", f"/api/v1/namespaces/{place}/pods", body)
    await delete(control_plane, run, "Foreground")
    other = {"template": {"metadata": {"labels": ours}, "spec": spec}}
    body = {"metadata": {"name": "other"}, "spec": other}
    control_plane.request("POST", path(run).rpartition("/")[0], body)
    await until(lambda: len(pods(control_plane, place)) == 3)
    with pytest.raises(RunLost, match="nothing tells"):
        await seen(run, lambda status: status.state.ended)
    with pytest.raises(RunLost, match="there is no Job"):
        async with found(runner, run, submission):
            pass
    left = pods(control_plane, place)
    assert len(left) == 3
    assert {*left.values()} == {None}
