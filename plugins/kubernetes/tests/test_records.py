"""What is remembered of runs, where the cluster keeps no record of it and where others have its
name; and what is left of runs that are over. On a real control plane.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from launchkit_kubernetes.cluster.access import Access as Way
from launchkit_kubernetes.cluster.client import open_client
from launchkit_kubernetes.manifest.build import env_secret
from launchkit_kubernetes.manifest.names import Ref
from launchkit_kubernetes.runner import KubernetesRunner
from launchkit_kubernetes.runs.records import CLEARED, Records, _name
from launchkit_kubernetes.runs.secrets import RunSecrets
from launchkit_kubernetes.runs.whose import Whose
from waiting import until

from launchkit.abc import Run
from launchkit.model import RunState, Secret, Submission
from launchkit.testing import make_submission, started

from .cluster.cluster import Cluster
from .workloads import begun

Refusal = Callable[[Cluster, Run], None]
MAY_LOOK = ("get", "list", "watch")
HOLD = "somebody.example/holds"


def job(place: str, **spec: Any) -> Submission:
    args = {"namespace": place, "spec": spec}
    return make_submission("true", image="img:1", resource_args=args, env={"T": Secret("s3cr3t")})


def path(run: Run) -> str:
    ref = Ref.parse(run.ref)
    return f"/apis/batch/v1/namespaces/{ref.namespace}/jobs/{ref.name}"


def core(run: Run, kind: str) -> str:
    return f"/api/v1/namespaces/{Ref.parse(run.ref).namespace}/{kind}"


def job_of(cluster: Cluster, run: Run) -> dict[str, Any] | None:
    jobs = cluster.request("GET", path(run).rpartition("/")[0])["items"]
    return next(iter(jobs), None)


def secrets(cluster: Cluster, run: Run) -> list[str]:
    found = cluster.request("GET", f"{core(run, 'secrets')}?labelSelector=launchkit/run-id")[
        "items"
    ]
    return [one["metadata"]["name"] for one in found]


def without_room(cluster: Cluster, run: Run) -> None:
    """As a quota does that is used up."""
    quotas = core(run, "resourcequotas")
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"count/configmaps": "0"}}}
    cluster.request("POST", quotas, quota)
    cluster.wait_for(lambda: "hard" in cluster.request("GET", f"{quotas}/none")["status"])


def taken(cluster: Cluster, run: Run, **more: Any) -> None:
    """As somebody does who makes a ConfigMap of the record's name."""
    whose = Whose.of(cluster.request("GET", path(run)))
    assert whose is not None
    metadata = {"name": _name(Ref.parse(run.ref), whose), "labels": {"owner": "neighbour"}}
    body = {"metadata": metadata, "data": {"what": "theirs", "why": "precious"}, **more}
    cluster.request("POST", core(run, "configmaps"), body)


def taken_for_good(cluster: Cluster, run: Run) -> None:
    taken(cluster, run, immutable=True)


however_it_is_refused = pytest.mark.parametrize("refusal", [without_room, taken, taken_for_good])


def theirs(cluster: Cluster, run: Run) -> list[dict[str, Any]]:
    query = f"{core(run, 'configmaps')}?labelSelector=owner"
    found: list[dict[str, Any]] = cluster.request("GET", query)["items"]
    return found


async def complete(cluster: Cluster, run: Run) -> None:
    """Play the controller, when it has had its first look."""
    await until(lambda: cluster.request("GET", path(run))["status"].get("active"))
    condition = {"type": "Complete", "status": "True"}
    cluster.patch(f"{path(run)}/status", {"status": {"conditions": [condition]}})
    with anyio.fail_after(60):
        while (await run.status()).state is not RunState.FINISHED:
            await anyio.lowlevel.checkpoint()


@asynccontextmanager
async def again(
    runner: KubernetesRunner, run: Run, config: Path | None = None
) -> AsyncIterator[Run]:
    """The run as another agent finds it."""
    made = KubernetesRunner(config_file=str(config or runner.config_file), gone_seconds=5)
    async with started(made, runner._site) as other:
        yield await other.attach(run.ref)


@however_it_is_refused
async def test_a_run_is_stopped_whatever_keeps_its_record_from_being_made(
    runner: KubernetesRunner,
    control_plane: Cluster,
    place: str,
    caplog: pytest.LogCaptureFixture,
    refusal: Refusal,
) -> None:
    run = await begun(runner, job(place))
    control_plane.patch(path(run), {"metadata": {"finalizers": [HOLD]}})
    refusal(control_plane, run)
    before = theirs(control_plane, run)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run.cancel, 0)
        await until(
            lambda: "deletionTimestamp" in control_plane.request("GET", path(run))["metadata"]
        )
        async with again(runner, run) as found:
            assert (await found.status()).state is RunState.STOPPED
        control_plane.patch(path(run), {"metadata": {"finalizers": None}})
    assert job_of(control_plane, run) is None
    assert (await run.status()).state is RunState.STOPPED
    await run.aclose()
    assert caplog.text.count("is not kept on record") == 1
    assert secrets(control_plane, run) == []
    assert theirs(control_plane, run) == before


async def test_a_run_is_stopped_where_nothing_can_be_made_or_changed(
    runner: KubernetesRunner,
    control_plane: Cluster,
    place: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = await begun(runner, job(place))
    user, verbs = control_plane.add_user(), (*MAY_LOOK, "delete")
    rule = {"apiGroups": ["*"], "resources": ["jobs", "pods", "secrets"], "verbs": verbs}
    control_plane.allow(user, rule, namespace=place)
    control_plane.allow(
        user,
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": MAY_LOOK},
        namespace=place,
    )
    config = control_plane.write_kubeconfig(tmp_path / "of-user", user)
    async with again(runner, run, config) as found:
        await found.cancel(0)
        assert (await found.status()).state is RunState.STOPPED
        await found.aclose()
    assert "nor can it be kept beside it" in caplog.text
    assert job_of(control_plane, run) is None
    assert secrets(control_plane, run) == []


@however_it_is_refused
async def test_a_run_is_cleared_away_whatever_keeps_its_record_from_being_made(
    runner: KubernetesRunner,
    control_plane: Cluster,
    place: str,
    caplog: pytest.LogCaptureFixture,
    refusal: Refusal,
) -> None:
    kept, gone = [await begun(runner, job(place, ttlSecondsAfterFinished=n)) for n in (900, 0)]
    refusal(control_plane, kept)
    for run in (gone, kept):
        await complete(control_plane, run)
        await run.aclose()
    left = job_of(control_plane, kept)
    assert left is not None
    assert left["metadata"]["name"] == Ref.parse(kept.ref).name
    assert left["spec"]["ttlSecondsAfterFinished"] == 900
    assert secrets(control_plane, kept) == []
    assert caplog.text.count(f"{kept.ref} is over, which is not kept on record") == 1


async def test_the_secrets_of_a_run_that_is_over_are_removed_whoever_owns_them(
    runner: KubernetesRunner, control_plane: Cluster, place: str
) -> None:
    """As an agent leaves them that is killed before its run owns them."""
    run = await begun(runner, job(place, ttlSecondsAfterFinished=900))
    (secret,) = secrets(control_plane, run)
    owners = {"metadata": {"ownerReferences": None}}
    control_plane.patch(f"{core(run, 'secrets')}/{secret}", owners)
    async with again(runner, run) as found:
        await complete(control_plane, found)
        await found.aclose()
    assert job_of(control_plane, run) is not None
    assert secrets(control_plane, run) == []


def labels_of(run_id: str) -> dict[str, str]:
    own = {"run-id": run_id, "item": "i1", "attempt": "1", "name": "train"}
    return {f"launchkit/{key}": value for key, value in own.items()}


async def test_secrets_that_were_left_go_with_the_record_of_their_run(
    control_plane: Cluster, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit_kubernetes.runs.records.KEEP", timedelta(-1))
    config = control_plane.write_kubeconfig(tmp_path / "kubeconfig")
    at = f"/api/v1/namespaces/{place}/secrets"
    for run_id in ("over", "live"):
        metadata = {"name": f"{env_secret('train')}-{run_id}", "labels": labels_of(run_id)}
        control_plane.request("POST", at, {"metadata": metadata})
    async with open_client(Way(config_file=str(config)), 100, 100) as client:
        whose = Whose(labels=labels_of("over"))
        await Records(client).put(Ref("batch/v1", "Job", place, "train"), whose, CLEARED)
        await Records(client).prune(place, RunSecrets(client).remove)
    left = control_plane.request("GET", f"{at}?labelSelector=launchkit/name")["items"]
    assert [one["metadata"]["labels"]["launchkit/run-id"] for one in left] == ["live"]
