"""Runs whose API server goes away, stands still or has forgotten, and custom resources."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import aclosing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from launchkit_kubernetes.cluster.access import Access as Way
from launchkit_kubernetes.cluster.client import open_client
from launchkit_kubernetes.cluster.discovery import CONFIG_MAPS
from launchkit_kubernetes.cluster.errors import ClusterRefused
from launchkit_kubernetes.cluster.objects import Objects
from launchkit_kubernetes.manifest.build import RUN
from launchkit_kubernetes.manifest.names import Ref
from launchkit_kubernetes.runner import KubernetesRunner
from launchkit_kubernetes.runs.records import (
    CANCELLED,
    CLEARED,
    LOST,
    OVER,
    RECORD,
    Records,
)
from launchkit_kubernetes.runs.secrets import RunSecrets
from launchkit_kubernetes.runs.whose import Whose
from waiting import PATIENCE, until

from launchkit.abc import Run, Site
from launchkit.model import RunState, RunStatus, Submission
from launchkit.testing import make_submission, started

from .cluster.cluster import Cluster
from .operators import RUNS, Operator, play, said
from .workloads import begun

POLICY = Operator(
    api_version="tests.launchkit.dev/v1",
    kind="Policy",
    plural="policies",
    running={},
    well={"conditions": [said("Succeeded")]},
    badly={},
)
BATCH = "/apis/batch/v1"
RUNS_AT_ONCE = 20
WRITES = 100
"""More than the programs of a cluster do when they begin anew."""


def job(place: str) -> Submission:
    return make_submission("true", image="img:1", resource_args={"namespace": place})


async def complete(cluster: Cluster, place: str, name: str) -> None:
    """Play the controller, which has no pods to do it by, when it has had its first look."""
    path = f"{BATCH}/namespaces/{place}/jobs/{name}"
    await until(lambda: cluster.request("GET", path)["status"].get("active"))
    condition = {"type": "Complete", "status": "True"}
    cluster.patch(f"{path}/status", {"status": {"conditions": [condition]}})


async def ended(run: Run) -> RunStatus:
    status = await run.status()
    with anyio.fail_after(150):
        while not status.state.ended:
            status = await run.changed(status)
    return status


async def test_an_api_server_that_is_away_is_waited_for(
    runner: KubernetesRunner, control_plane: Cluster, place: str
) -> None:
    submission = job(place)
    run = await begun(runner, submission)
    control_plane.apiserver.stop()
    found: list[RunStatus] = []

    async def wait() -> None:
        found.append(await ended(run))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        control_plane.apiserver.start()
        await until(control_plane.answers)
        await complete(control_plane, place, submission.name)
    assert found[0].state is RunState.FINISHED


async def test_a_watch_that_stands_still_is_opened_again(
    runner: KubernetesRunner, control_plane: Cluster, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit_kubernetes.cluster.objects.SILENT_SECONDS", 1.0)
    submission = job(place)
    run = await begun(runner, submission)
    await run.status()
    control_plane.apiserver.freeze()
    with anyio.move_on_after(3):
        await ended(run)
    control_plane.apiserver.thaw()
    await complete(control_plane, place, submission.name)
    assert (await ended(run)).state is RunState.FINISHED


async def counted(cluster: Cluster, metric: str, *labels: str) -> float:
    """What the API server has counted, of all that has these labels."""
    async with cluster.admin() as http:
        lines = (await http.get("/metrics")).text.splitlines()
    found = [line for line in lines if line.startswith(metric) and all(x in line for x in labels)]
    return sum(float(line.rpartition(" ")[2]) for line in found)


async def looks_at_events(cluster: Cluster) -> float:
    return await counted(cluster, "apiserver_request_total", 'resource="events"', 'verb="LIST"')


async def watches(cluster: Cluster) -> float:
    """How many watches of Jobs and pods there are: controllers watch all namespaces at once."""
    labels = 'verb="WATCH"', 'scope="namespace"'
    each = [
        await counted(cluster, "apiserver_longrunning_gauge", f'resource="{kind}"', *labels)
        for kind in ("jobs", "pods")
    ]
    return sum(each)


async def test_many_runs_share_two_watches(
    runner: KubernetesRunner, control_plane: Cluster, place: str
) -> None:
    with anyio.fail_after(60):
        while await watches(control_plane):  # of the test before
            await anyio.lowlevel.checkpoint()
    runs = [await begun(runner, job(place)) for _ in range(RUNS_AT_ONCE)]
    async with anyio.create_task_group() as tasks:
        for run in runs:
            tasks.start_soon(ended, run)
        with anyio.fail_after(60):
            while await watches(control_plane) < 2:
                await anyio.lowlevel.checkpoint()
        for run in runs:
            await complete(control_plane, place, run.ref.rpartition("/")[2])
            assert await watches(control_plane) == 2


async def test_why_runs_have_no_pods_is_told_to_all_of_them_by_few_looks(
    runner: KubernetesRunner, control_plane: Cluster, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit_kubernetes.runs.run.LOOK_SECONDS", 0.5)
    monkeypatch.setattr("launchkit_kubernetes.runs.reasons.REST_SECONDS", 1.0)
    quotas = f"/api/v1/namespaces/{place}/resourcequotas"
    body = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    control_plane.request("POST", quotas, body)
    await until(lambda: "hard" in control_plane.request("GET", f"{quotas}/none")["status"])
    before = await looks_at_events(control_plane)
    runs = [await begun(runner, job(place)) for _ in range(RUNS_AT_ONCE)]
    told: set[str] = set()

    async def ask(run: Run) -> None:
        status = await run.status()
        while "exceeded quota" not in (status.message or ""):
            status = await run.changed(status)
        told.add(run.ref)

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            for run in runs:
                tasks.start_soon(ask, run)
    assert len(told) == RUNS_AT_ONCE
    assert await looks_at_events(control_plane) - before < RUNS_AT_ONCE / 2


async def test_the_age_of_the_last_news_of_each_watch_is_told(
    site: Site, control_plane: Cluster, place: str, tmp_path: Path
) -> None:
    path = control_plane.write_kubeconfig(tmp_path / "kubeconfig")
    jobs, pods = f"kubernetes Job in {place}", f"kubernetes Pod of Job in {place}"
    async with started(KubernetesRunner(config_file=str(path)), site) as runner:
        run = await begun(runner, job(place))
        await run.status()
        assert site.watches.keys() == {jobs, pods}
        control_plane.apiserver.freeze()
        await until(lambda: age(site, jobs) > 2 and age(site, pods) > 2)
        control_plane.apiserver.thaw()
        await complete(control_plane, place, run.ref.rpartition("/")[2])
        assert (await ended(run)).state is RunState.FINISHED
        await until(lambda: age(site, jobs) < 2)
    await until(lambda: not site.watches)


def age(site: Site, watch: str) -> float:
    found = site.watches[watch]()
    assert found is not None
    return found


async def test_after_a_version_that_is_forgotten_a_watch_begins_at_one_that_is_not(
    control_plane: Cluster, place: str, tmp_path: Path
) -> None:
    path = control_plane.write_kubeconfig(tmp_path / "kubeconfig")
    async with open_client(Way(config_file=str(path)), 100, 100) as client:
        objects = Objects(client, CONFIG_MAPS.path(place), dict, named)
        control_plane.apiserver.stop()  # its cache of older versions goes with it
        control_plane.apiserver.start()
        await until(control_plane.answers)
        with pytest.raises(ClusterRefused, match="too old"):
            await anext(objects.changes("1"))
        async with aclosing(objects.changes(await objects.begin())) as changes:
            make_map(control_plane, place, "one")
            with anyio.fail_after(PATIENCE):
                assert await anext(changes) == "one"


def named(told: Mapping[str, Any]) -> str:
    return str(told["metadata"]["name"])


def value_of(told: Mapping[str, Any]) -> str:
    return str(told["data"]["a"])


def make_map(cluster: Cluster, place: str, name: str) -> None:
    body = {"metadata": {"name": name, "labels": {RUN: name}}, "data": {"a": "first"}}
    cluster.request("POST", f"/{CONFIG_MAPS.path(place)}", body)


@contextmanager
def undone(cluster: Cluster) -> Iterator[None]:
    """At its end the cluster is restored from a backup that was made at its beginning."""
    data, backup = cluster.folder / "etcd", cluster.folder / "backup"
    cluster.etcd.freeze()
    shutil.copytree(data, backup)
    cluster.etcd.thaw()
    yield
    for program in reversed(cluster.programs):
        program.kill()
    shutil.rmtree(data)
    backup.rename(data)
    cluster.start()


async def test_of_a_cluster_that_is_restored_from_a_backup_its_present_is_known(
    control_plane: Cluster, place: str, tmp_path: Path
) -> None:
    path = control_plane.write_kubeconfig(tmp_path / "kubeconfig")
    maps = CONFIG_MAPS.path(place)
    async with open_client(Way(config_file=str(path)), 100, 100) as client:
        objects, others = (Objects(client, maps, value_of, named) for _ in "ab")

        def change(value: str) -> None:
            control_plane.patch(f"/{maps}/one", {"data": {"a": value}})

        make_map(control_plane, place, "one")
        with undone(control_plane):
            for number in range(WRITES):
                change(f"undone {number}")
            await objects.list()
            await others.list()
            undone_at = await objects.begin()
        since = await objects.begin()
        assert int(since) < int(undone_at)
        async with aclosing(objects.changes(since)) as changes:
            change("second")
            with anyio.fail_after(PATIENCE):
                assert await anext(changes) == "one"
        assert [*objects.of("one")] == ["second"]
        for number in range(WRITES):  # versions catch up
            make_map(control_plane, place, f"more-{number}")
        assert int(await objects.begin()) > int(undone_at)
        await others.list()
        assert [*others.of("one")] == ["second"]


async def test_a_custom_resource_runs_under_the_name_that_the_cluster_gives_its_kind(
    runner: KubernetesRunner, control_plane: Cluster, place: str
) -> None:
    POLICY.install(control_plane)
    args = {"apiVersion": POLICY.api_version, "kind": POLICY.kind}
    args |= {"namespace": place, "spec": {"a": 1}}
    submission = make_submission("true", image="img:1", resource_args=args)
    run = await begun(runner, submission)
    assert (await run.status()).state is RunState.STARTING
    path = POLICY.path(place, run.ref.rpartition("/")[2])
    control_plane.patch(f"{path}/status", {"status": POLICY.well})
    assert (await ended(run)).state is RunState.FINISHED
    async with started(KubernetesRunner(config_file=runner.config_file), runner._site) as next_one:
        found = await next_one.attach(run.ref)
        assert (await found.status()).state is RunState.FINISHED
    await run.aclose()
    await until(lambda: not control_plane.request("GET", path.rpartition("/")[0])["items"])


async def test_a_finalizer_of_somebody_else_is_named_and_the_run_is_stopped(
    runner: KubernetesRunner,
    control_plane: Cluster,
    place: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    submission = job(place)
    run = await begun(runner, submission)
    path = f"{BATCH}/namespaces/{place}/jobs/{submission.name}"
    control_plane.patch(path, {"metadata": {"finalizers": ["somebody.example/holds"]}})
    await run.cancel(0)
    assert (await run.status()).state is RunState.STOPPED
    assert "somebody.example/holds" in caplog.text
    control_plane.patch(path, {"metadata": {"finalizers": None}})


@pytest.mark.parametrize(("more", "state"), [({}, "preempted"), ({"requeue": False}, "failed")])
async def test_a_run_whose_place_is_taken_away_is_queued_again_unless_its_queue_says_otherwise(
    runner: KubernetesRunner,
    control_plane: Cluster,
    place: str,
    more: dict[str, bool],
    state: str,
) -> None:
    args = {"namespace": place, **more}
    run = await begun(runner, make_submission("true", image="img:1", resource_args=args))
    pods = f"/api/v1/namespaces/{place}/pods"
    await until(lambda: control_plane.request("GET", pods)["items"])
    (pod,) = control_plane.request("GET", pods)["items"]
    taken = {"phase": "Failed", "reason": "Preempting", "message": "to admit a critical pod"}
    control_plane.patch(f"{pods}/{pod['metadata']['name']}/status", {"status": taken})
    status = await ended(run)
    assert status.state == state
    assert status.verdict is not None
    assert status.verdict.code == "preempted"
    found = await runner.attach(run.ref)
    assert await found.status() == status


async def test_a_run_is_stopped_although_no_list_of_all_runs_ends_well(
    runner: KubernetesRunner, control_plane: Cluster, place: str, tmp_path: Path
) -> None:
    run = await begun(runner, job(place))
    user, verbs = control_plane.add_user(), ("get", "create", "patch", "delete")
    pods = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}
    all_else = {"apiGroups": ["*"], "resources": ["*"], "verbs": verbs}
    control_plane.allow(user, pods, all_else, namespace=place)
    path = control_plane.write_kubeconfig(tmp_path / "of-user", user)
    made = KubernetesRunner(config_file=str(path), gone_seconds=1)
    async with started(made, runner._site) as other:
        found = await other.attach(run.ref)
        with anyio.fail_after(PATIENCE):
            await found.cancel(0)
    jobs = f"{BATCH}/namespaces/{place}/jobs"
    await until(lambda: not control_plane.request("GET", jobs)["items"])


async def test_who_was_stopped_when_its_object_was_gone_is_remembered_with_the_labels_of_its_pods(
    runner: KubernetesRunner, control_plane: Cluster, place: str
) -> None:
    run = await begun(runner, job(place))
    pods = f"/api/v1/namespaces/{place}/pods"
    await until(lambda: control_plane.request("GET", pods)["items"])
    path = f"{BATCH}/namespaces/{place}/jobs"
    name = run.ref.rpartition("/")[2]
    control_plane.request("DELETE", f"{path}/{name}", {"propagationPolicy": "Orphan"})
    await until(lambda: not control_plane.request("GET", path)["items"])
    await run.cancel(0)
    assert (await run.status()).state is RunState.STOPPED
    found = control_plane.request("GET", f"/api/v1/namespaces/{place}/configmaps")["items"]
    (labels,) = [
        one["metadata"]["labels"] for one in found if one["metadata"]["name"].startswith(name)
    ]
    assert labels["launchkit/record"] == "cancelled"
    assert labels["launchkit/run-id"]


def labelled_pod(labels: dict[str, str]) -> dict[str, Any]:
    """The template of a pod of somebody else."""
    spec = {"containers": [{"name": "c", "image": "img:1"}], "restartPolicy": "Never"}
    return {"metadata": {"labels": labels}, "spec": spec}


async def test_pods_of_somebody_else_with_the_labels_of_a_run_are_none_of_its(
    runner: KubernetesRunner, control_plane: Cluster, place: str
) -> None:
    run = await begun(runner, job(place))
    pods = f"/api/v1/namespaces/{place}/pods"
    await until(lambda: control_plane.request("GET", pods)["items"])
    (own,) = control_plane.request("GET", pods)["items"]
    labels = {k: v for k, v in own["metadata"]["labels"].items() if k.startswith("launchkit/")}
    bare = labelled_pod(labels)
    bare["metadata"]["name"] = "bare"
    control_plane.request("POST", pods, bare)
    other = {"metadata": {"name": "other"}, "spec": {"template": labelled_pod(labels)}}
    control_plane.request("POST", f"{BATCH}/namespaces/{place}/jobs", other)

    def names() -> set[str]:
        left = [one["metadata"] for one in control_plane.request("GET", pods)["items"]]
        return {one["name"] for one in left if "deletionTimestamp" not in one}

    await until(lambda: len(names()) == 3)
    others = names() - {own["metadata"]["name"]}
    play(control_plane, place, own["metadata"]["name"], RUNS, "Running")
    status = await run.status()
    with anyio.fail_after(60):
        while status.state is not RunState.RUNNING:
            status = await run.changed(status)
    await run.cancel(0)
    assert (await run.status()).state is RunState.STOPPED
    await run.aclose()
    assert names() == others


async def test_records_that_are_old_are_forgotten_although_nothing_told_their_run(
    control_plane: Cluster, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = control_plane.write_kubeconfig(tmp_path / "kubeconfig")
    maps = f"/api/v1/namespaces/{place}/configmaps"

    def names() -> set[str]:
        found = control_plane.request("GET", maps)["items"]
        return {
            one["data"]["ref"].rpartition("/")[2]
            for one in found
            if RECORD in one["metadata"].get("labels", {})
        }

    async with open_client(Way(config_file=str(path)), 100, 100) as client:
        records = Records(client)
        for what in (CANCELLED, CLEARED, LOST, OVER):
            for labels in ({}, {"launchkit/run-id": "r1"}):
                name = f"{what}-{'known' if labels else 'unknown'}"
                whose = Whose(labels=labels)
                await records.put(Ref("batch/v1", "Job", place, name), whose, what)
        await records.prune(place, RunSecrets(client).remove)
        assert len(names()) == 8
        assert len(await records.half_removed(place)) == 2
        monkeypatch.setattr("launchkit_kubernetes.runs.records.KEEP", timedelta(-1))
        await records.prune(place, RunSecrets(client).remove)
    kept = {"cancelled-known", "lost-known", "over-known", "over-unknown"}
    assert names() == kept


@pytest.mark.parametrize(
    "message",
    [
        'Usage of EmptyDir volume "scratch" exceeds the limit "1Mi". ',
        "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ",
        "Container launch0 exceeded its local ephemeral storage limit",
    ],
)
async def test_a_run_that_was_evicted_for_what_it_wrote_has_failed_and_is_not_queued_again(
    runner: KubernetesRunner, control_plane: Cluster, place: str, message: str
) -> None:
    run = await begun(runner, job(place))
    pods = f"/api/v1/namespaces/{place}/pods"
    await until(lambda: control_plane.request("GET", pods)["items"])
    (pod,) = control_plane.request("GET", pods)["items"]
    evicted = {"phase": "Failed", "reason": "Evicted", "message": message}  # as its kubelet does
    control_plane.patch(f"{pods}/{pod['metadata']['name']}/status", {"status": evicted})
    status = await ended(run)
    assert status.state is RunState.FAILED
    assert status.verdict is not None
    assert status.verdict.code == "evicted"
    assert message.strip() in status.verdict.summary
    assert "ephemeral-storage" in (status.verdict.hint or "")
