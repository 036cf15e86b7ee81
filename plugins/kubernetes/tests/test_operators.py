"""Custom resources on a real control plane, whose operators and nodes the tests play."""

from collections.abc import AsyncIterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from launchkit_kubernetes.manifest.pods import templates
from launchkit_kubernetes.runner import KubernetesRunner
from waiting import until

from launchkit.abc import Run, Site
from launchkit.model import RunState, RunStatus, Submission
from launchkit.testing import FakeRegistry, make_submission, site_at, started
from launchkit.testing.recording import RecordingOutput

from .cluster.cluster import Cluster
from .manifest.examples import JOBSET, MPI, RAY, SEED_PYTORCH, TRAIN, VOLCANO, example
from .operators import (
    JOB_SET,
    MPI_JOB,
    PYTORCH_JOB,
    RAY_JOB,
    RUNS,
    TRAIN_JOB,
    VOLCANO_JOB,
    Operator,
    ended,
    play,
    train_job,
)

PYTORCH = example(SEED_PYTORCH)["kubernetes"] | {"metadata": {}}
IMAGE = "registry.example.com/fake:1"
PATCHED = train_job("patched.example.com", "runtimePatches")
OLD = train_job("old.example.com", "podSpecOverrides")
YEAR = 31_536_000


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with site_at(tmp_path / "site", registry=FakeRegistry()) as site:
        yield site


def submission_of(config: dict[str, Any], place: str, **more: Any) -> Submission:
    return make_submission(
        "true", image=IMAGE, resource_args={**config, "namespace": place, **more}
    )


async def begun(runner: KubernetesRunner, submission: Submission) -> tuple[Run, str]:
    out = RecordingOutput()
    await runner.prepare(submission, out)
    return await runner.submit(submission), out.text


async def in_state(run: Run, state: RunState) -> RunStatus:
    status = await run.status()
    with anyio.fail_after(60):
        while status.state is not state:
            assert not status.state.ended, status
            status = await run.changed(status)
    return status


def train(operator: Operator, **spec: Any) -> dict[str, Any]:
    """A TrainJob of one that says nothing of its pods."""
    config = example(TRAIN)
    del config["spec"]["podTemplateOverrides"]
    return {**config, "apiVersion": operator.api_version, "spec": {**config["spec"], **spec}}


PATCH = {"manager": "kueue.x-k8s.io/manager"}
TOLERANT = {"targetJobs": [{"name": "node"}], "spec": {"tolerations": []}}


@pytest.mark.parametrize(
    ("operator", "config"),
    [
        (JOB_SET, example(JOBSET)),
        (TRAIN_JOB, train(TRAIN_JOB)),
        (TRAIN_JOB, train(TRAIN_JOB, podTemplateOverrides=[TOLERANT])),
        (PATCHED, train(PATCHED)),
        (PATCHED, train(PATCHED, runtimePatches=[PATCH])),
    ],
    ids=["JobSet", "TrainJob", "TrainJob-override", "TrainJob-patches", "TrainJob-patch"],
)
async def test_pods_that_an_operator_makes_pull_with_the_registrys_login(
    runner: KubernetesRunner,
    control_plane: Cluster,
    place: str,
    operator: Operator,
    config: dict[str, Any],
) -> None:
    operator.install(control_plane)
    run, said = await begun(runner, submission_of(config, place))
    name = run.ref.rpartition("/")[2]
    secrets = f"/api/v1/namespaces/{place}/secrets"
    secret = control_plane.request("GET", f"{secrets}/{name}-pull")
    assert secret["type"] == "kubernetes.io/dockerconfigjson"
    for pod in operator.make_pods(control_plane, place, name):
        made = control_plane.request("GET", f"/api/v1/namespaces/{place}/pods/{pod}")
        assert {"name": f"{name}-pull"} in made["spec"]["imagePullSecrets"]
    assert said == ""


async def test_a_trainjob_whose_cluster_takes_no_pull_secret_is_run_and_that_is_said(
    runner: KubernetesRunner, control_plane: Cluster, place: str
) -> None:
    OLD.install(control_plane)
    run, said = await begun(runner, submission_of(train(OLD), place))
    assert "take no pull secret" in said
    assert (await run.status()).state is RunState.STARTING


@pytest.mark.parametrize(
    ("operator", "config"),
    [(JOB_SET, example(JOBSET)), (TRAIN_JOB, train(TRAIN_JOB))],
    ids=["JobSet", "TrainJob"],
)
async def test_pods_that_an_operator_makes_are_known_by_their_labels(
    runner: KubernetesRunner,
    control_plane: Cluster,
    place: str,
    operator: Operator,
    config: dict[str, Any],
) -> None:
    operator.install(control_plane)
    run, _ = await begun(runner, submission_of(config, place))
    pods = operator.make_pods(control_plane, place, run.ref.rpartition("/")[2])
    await in_state(run, RunState.STARTING)
    for pod in pods:
        play(control_plane, place, pod, RUNS, "Running")
    await in_state(run, RunState.RUNNING)
    play(control_plane, place, pods[0], ended(3), "Failed")
    operator.tell(control_plane, place, run.ref.rpartition("/")[2], operator.badly)
    status = await in_state(run, RunState.FAILED)
    assert status.exit_code == 3
    assert status.verdict is not None
    assert status.verdict.code == "user_exit"
    await run.aclose()
    found = control_plane.request("GET", f"/api/v1/namespaces/{place}/pods")["items"]
    assert [one for one in found if "deletionTimestamp" not in one["metadata"]] == []


def job_of(config: dict[str, Any], name: str, **metadata: Any) -> dict[str, Any]:
    """A Job as an operator makes it of the first template of pods."""
    (_, template), *_ = templates(config["spec"])
    template = deepcopy(template)
    template["spec"]["restartPolicy"] = "Never"
    for container in template["spec"]["containers"]:
        container.setdefault("image", "img:1")
    return {"metadata": {"name": name, **metadata}, "spec": {"template": template}}


async def test_pods_are_a_runs_by_what_controls_them_and_by_their_labels_where_that_is_not_known(
    runner: KubernetesRunner, control_plane: Cluster, place: str
) -> None:
    JOB_SET.install(control_plane)
    run, _ = await begun(runner, submission_of(example(JOBSET), place))
    made = control_plane.request("GET", JOB_SET.path(place, run.ref.rpartition("/")[2]))
    jobs, pods = f"/apis/batch/v1/namespaces/{place}/jobs", f"/api/v1/namespaces/{place}/pods"
    names = {"apiVersion": made["apiVersion"], "kind": made["kind"]}
    metadata = {key: made["metadata"][key] for key in ("name", "uid")}
    owner = {**names, **metadata, "controller": True}
    control_plane.request("POST", jobs, job_of(made, "own", ownerReferences=[owner]))
    control_plane.request("POST", jobs, job_of(made, "other"))
    hidden = {**owner, "apiVersion": "away.example.com/v1", "kind": "Away", "uid": "u1"}
    template = job_of(made, "")["spec"]["template"]
    about = {**template["metadata"], "name": "unknown-1", "ownerReferences": [hidden]}
    control_plane.request("POST", pods, {**template, "metadata": about})

    def found() -> dict[str, str]:
        listed = [one["metadata"] for one in control_plane.request("GET", pods)["items"]]
        left = [one["name"] for one in listed if "deletionTimestamp" not in one]
        return {name.partition("-")[0]: name for name in left}

    await until(lambda: found().keys() == {"own", "other", "unknown"})
    others = found()["other"]
    for pod in ("other", "unknown", "own"):
        play(control_plane, place, found()[pod], RUNS, "Running")
    await in_state(run, RunState.RUNNING)
    await run.cancel(0)
    await run.aclose()
    await until(lambda: found() == {"other": others})


@dataclass(frozen=True)
class Case:
    """A kind, and how a run of it ends badly."""

    operator: Operator
    config: dict[str, Any]
    main: int = 0
    """Which of its pods decides."""
    code: str = "user_exit"
    exit_code: int | None = 3
    says: str = "exit code 3"


CASES = {
    "PyTorchJob": Case(PYTORCH_JOB, PYTORCH),
    "Volcano": Case(VOLCANO_JOB, example(VOLCANO)),
    "JobSet": Case(JOB_SET, example(JOBSET)),
    "MPIJob": Case(MPI_JOB, example(MPI), main=1),
    "TrainJob": Case(TRAIN_JOB, train(TRAIN_JOB)),
    # the program is none of its pods' main containers, and only its operator tells how it ended
    "RayJob": Case(RAY_JOB, example(RAY), code="failed", exit_code=None),
}


@pytest.mark.parametrize("ends_well", [True, False], ids=["well", "badly"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_a_run_of_each_kind_begins_runs_and_ends_as_its_operator_tells(
    runner: KubernetesRunner, control_plane: Cluster, place: str, case: Case, *, ends_well: bool
) -> None:
    operator = case.operator
    operator.install(control_plane)
    run, _ = await begun(runner, submission_of(case.config, place))
    name = run.ref.rpartition("/")[2]
    assert (await run.status()).state is RunState.STARTING
    pods = operator.make_pods(control_plane, place, name)
    assert (await run.status()).state is RunState.STARTING
    for pod in pods:
        play(control_plane, place, pod, RUNS, "Running")
    operator.tell(control_plane, place, name, operator.running)
    await in_state(run, RunState.RUNNING)
    if operator is not RAY_JOB:  # its cluster goes on
        last = ended(0 if ends_well else 3)
        play(control_plane, place, pods[case.main], last, "Succeeded" if ends_well else "Failed")
    operator.tell(control_plane, place, name, operator.well if ends_well else operator.badly)
    status = await in_state(run, RunState.FINISHED if ends_well else RunState.FAILED)
    assert status.verdict is not None
    if ends_well:
        assert (status.verdict.code, status.exit_code) == ("ok", 0)
    else:
        assert (status.verdict.code, status.exit_code) == (case.code, case.exit_code)
        assert case.says in status.verdict.summary
    found = await runner.attach(run.ref)
    assert await found.status() == status


def graces(cluster: Cluster, place: str) -> dict[str, int | None]:
    """How long each pod there has to end that is to be removed, by its name."""
    found = cluster.request("GET", f"/api/v1/namespaces/{place}/pods")["items"]
    each = [one["metadata"] for one in found]
    return {one["name"]: one.get("deletionGracePeriodSeconds") for one in each}


async def test_what_is_left_of_a_run_has_the_grace_of_its_launch_whatever_its_config_says(
    site: Site, control_plane: Cluster, place: str, tmp_path: Path
) -> None:
    side = [{"name": "main"}, {"name": "side", "image": "img:1"}]
    of_pod = {"nodeName": "a", "terminationGracePeriodSeconds": YEAR, "containers": side}
    submission = submission_of({"spec": {"template": {"spec": of_pod}}}, place)
    path = control_plane.write_kubeconfig(tmp_path / "kubeconfig")
    made = KubernetesRunner(config_file=str(path), gone_seconds=0)
    async with started(made, site) as runner:
        run, _ = await begun(runner, submission)
        await until(lambda: graces(control_plane, place))
        (name,) = graces(control_plane, place)
        play(control_plane, place, name, {"main": ended(0), "side": RUNS}, "Running")
        await in_state(run, RunState.FINISHED)
        await run.aclose()
    grace = submission.launch.limits.stop_grace
    await until(lambda: graces(control_plane, place) == {name: grace})


async def test_pods_that_come_while_a_run_is_stopped_have_its_grace(
    runner: KubernetesRunner, control_plane: Cluster, place: str
) -> None:
    PYTORCH_JOB.install(control_plane)
    run, _ = await begun(runner, submission_of(PYTORCH, place))
    path = PYTORCH_JOB.path(place, run.ref.rpartition("/")[2])
    control_plane.patch(path, {"metadata": {"finalizers": ["somebody.example/holds"]}})
    labels = control_plane.request("GET", path)["metadata"]["labels"]
    pods = f"/api/v1/namespaces/{place}/pods"

    def make(name: str, labels: dict[str, str]) -> None:
        spec = {"nodeName": "a", "terminationGracePeriodSeconds": YEAR}
        spec |= {"containers": [{"name": "main", "image": "img:1"}]}
        body = {"metadata": {"name": name, "labels": labels}, "spec": spec}
        control_plane.request("POST", pods, body)

    def is_going() -> bool:
        return "deletionTimestamp" in control_plane.request("GET", path)["metadata"]

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run.cancel, 2)
        await until(is_going)
        make("new", labels)
        make("going", {})
        control_plane.request("DELETE", f"{pods}/going")
        assert graces(control_plane, place)["going"] == YEAR
        control_plane.patch(f"{pods}/going", {"metadata": {"labels": labels}})
        await until(lambda: graces(control_plane, place) == {"new": 2, "going": 2})
        for name in ("new", "going"):
            control_plane.request("DELETE", f"{pods}/{name}", {"gracePeriodSeconds": 0})
        control_plane.patch(path, {"metadata": {"finalizers": None}})
    assert (await run.status()).state is RunState.STOPPED
