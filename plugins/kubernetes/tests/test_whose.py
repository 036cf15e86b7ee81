"""Objects of others under the name that a run has, or had, on a real control plane."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from launchkit_kubernetes.cluster.errors import ClusterRefused
from launchkit_kubernetes.manifest.build import env_secret
from launchkit_kubernetes.runner import KubernetesRunner
from waiting import until

from launchkit.abc import Run, Site
from launchkit.errors import Elsewhere, OthersRun, RunLost, SubmitError
from launchkit.model import RunState, Secret, Submission
from launchkit.testing import RecordingOutput, make_submission, started

from .cluster.cluster import Cluster
from .workloads import begun

NAME = "train"
ENV = env_secret(NAME)


def named(place: str, name: str = NAME) -> Submission:
    """A launch of a queue whose config gives each the same name."""
    args = {"namespace": place, "metadata": {"name": name}}
    env = {"TOKEN": Secret("s3cr3t")}
    return make_submission("true", image="img:1", resource_args=args, env=env)


def path(place: str, name: str = NAME) -> str:
    return f"/apis/batch/v1/namespaces/{place}/jobs/{name}"


def uid(cluster: Cluster, place: str) -> str:
    """Of the Job of that name; none is an error."""
    found: str = cluster.request("GET", path(place))["metadata"]["uid"]
    return found


def secrets(cluster: Cluster, place: str) -> dict[str, str]:
    """The id of the run that each belongs to, by its name."""
    found = cluster.request("GET", f"/api/v1/namespaces/{place}/secrets")["items"]
    each = [one["metadata"] for one in found]
    return {one["name"]: one["labels"]["launchkit/run-id"] for one in each if one.get("labels")}


def is_gone(cluster: Cluster, place: str) -> bool:
    jobs = cluster.request("GET", path(place).rpartition("/")[0])["items"]
    return not [one for one in jobs if one["metadata"]["name"] == NAME]


async def replaced(
    runner: KubernetesRunner, cluster: Cluster, place: str
) -> tuple[Submission, Run, Submission, Run]:
    """A run whose object somebody has removed, and one that has the name since."""
    first, second = named(place), named(place)
    lost = await begun(runner, first)
    assert (await lost.status()).state is RunState.STARTING
    cluster.request("DELETE", path(place), {"propagationPolicy": "Background"})
    await until(lambda: is_gone(cluster, place))
    return first, lost, second, await begun(runner, second)


async def test_the_object_of_another_run_in_the_place_of_one_that_is_gone_is_left_alone(
    runner: KubernetesRunner, control_plane: Cluster, place: str
) -> None:
    _, lost, second, run = await replaced(runner, control_plane, place)
    own = uid(control_plane, place)
    with pytest.raises(RunLost):
        await lost.status()
    assert [chunk async for chunk in lost.logs(0)] == []
    await lost.cancel(0)
    await lost.aclose()
    assert uid(control_plane, place) == own
    assert secrets(control_plane, place) == {ENV: second.launch.run_id}
    assert (await run.status()).state is RunState.STARTING


async def test_the_run_of_another_is_not_found_in_the_place_of_ones_own(
    runner: KubernetesRunner, control_plane: Cluster, place: str
) -> None:
    first, lost, second, _ = await replaced(runner, control_plane, place)
    with pytest.raises(OthersRun):
        await runner.require_own(lost.ref, first.launch.which)
    await runner.require_own(lost.ref, second.launch.which)
    assert (await (await runner.attach(lost.ref)).status()).state is RunState.STARTING


async def test_what_is_remembered_of_one_run_says_nothing_of_the_next_of_its_name(
    runner: KubernetesRunner, control_plane: Cluster, place: str
) -> None:
    first, second = named(place), named(place)
    run = await begun(runner, first)
    await run.status()
    await run.cancel(0)
    next_run = await begun(runner, second)
    assert (await run.status()).state is RunState.STOPPED
    assert (await next_run.status()).state is RunState.STARTING
    await runner.require_own(run.ref, first.launch.which)
    found = await runner.attach(run.ref)
    assert (await found.status()).state is RunState.STOPPED
    await found.aclose()
    assert (await next_run.status()).state is RunState.STARTING
    await next_run.cancel(0)
    assert (await next_run.status()).state is RunState.STOPPED
    await next_run.aclose()
    assert secrets(control_plane, place) == {}
    for submission in (first, second):
        with pytest.raises(SubmitError, match="this run is over already"):
            await begun(runner, submission)


async def test_a_launch_whose_name_another_has_is_refused_and_nothing_of_the_other_is_touched(
    runner: KubernetesRunner, control_plane: Cluster, place: str
) -> None:
    first, second = named(place), named(place)
    run = await begun(runner, first)
    own = uid(control_plane, place)
    with pytest.raises(SubmitError, match="taken by a Job of somebody else"):
        await begun(runner, second)
    await runner.release(second)
    await runner.require_own(run.ref, first.launch.which)
    await runner.discard(run.ref)
    assert uid(control_plane, place) == own
    assert secrets(control_plane, place) == {ENV: first.launch.run_id}


async def test_a_launch_of_the_same_run_id_is_another(
    runner: KubernetesRunner, control_plane: Cluster, place: str
) -> None:
    """Two entities may have one run id, and the name of an object has no more than that."""
    first = make_submission("true", image="img:1", resource_args={"namespace": place})
    second = replace(first, launch=replace(first.launch, item_id="another"))
    run = await begun(runner, first)
    with pytest.raises(SubmitError, match="somebody else"):
        await begun(runner, second)
    with pytest.raises(OthersRun):
        await runner.require_own(run.ref, second.launch.which)


@pytest.mark.parametrize("labels", [{}, {"launchkit/run-id": "other"}], ids=["none", "others"])
async def test_a_secret_of_somebody_else_is_neither_written_to_nor_removed(
    runner: KubernetesRunner, control_plane: Cluster, place: str, labels: dict[str, str]
) -> None:
    submission = named(place)
    body: dict[str, Any] = {"metadata": {"name": ENV, "labels": {**labels, "a": "b"}}}
    control_plane.request("POST", f"/api/v1/namespaces/{place}/secrets", body)
    await runner.prepare(submission, RecordingOutput())
    with pytest.raises(SubmitError, match="belongs to somebody else"):
        await runner.submit(submission)
    await runner.release(submission)
    left = control_plane.request("GET", f"/api/v1/namespaces/{place}/secrets/{ENV}")
    assert "data" not in left
    assert "ownerReferences" not in left["metadata"]


async def test_what_may_not_be_looked_at_is_elsewhere_unless_runs_are_to_be_there(
    control_plane: Cluster, site: Site, place: str, tmp_path: Path
) -> None:
    """What is on record as its run may be any name of anything."""
    user, attempt = control_plane.add_user(), named(place).launch.which
    path = control_plane.write_kubeconfig(tmp_path / "kubeconfig", user)
    made = KubernetesRunner(config_file=str(path), namespace=place)
    async with started(made, site) as runner:
        for ref in (f"apps/v1/StatefulSet/{place}/{NAME}", f"batch/v1/Job/kube-system/{NAME}"):
            for look in (runner.require_own(ref, attempt), runner.attach(ref)):
                with pytest.raises(Elsewhere, match="cannot get resource"):
                    await look
        with pytest.raises(ClusterRefused, match="cannot get resource"):
            await runner.attach(f"batch/v1/Job/{place}/{NAME}")
