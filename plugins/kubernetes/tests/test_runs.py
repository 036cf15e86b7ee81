"""Runs on a real cluster: what stands beside their Jobs, what they wait for, and how they end."""

import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml
from launchkit_kubernetes.runner import KubernetesRunner
from launchkit_kubernetes.runs.service import RunService

from launchkit.abc import Policy, Run, Site
from launchkit.errors import Rejected, RunLost, SubmitError
from launchkit.model import RunState, Secret, Submission, VerdictCode
from launchkit.testing import end_of, make_submission, started, until_running
from launchkit.testing.recording import RecordingOutput

from .cluster.access import Access
from .workloads import Jobs, begun

JOBS = "apis/batch/v1"


@pytest.fixture
async def runner(site: Site, kubeconfig: Path) -> AsyncIterator[KubernetesRunner]:
    async with started(KubernetesRunner(config_file=str(kubeconfig)), site) as runner:
        yield runner


async def printed(run: Run) -> bytes:
    return b"".join([chunk.data async for chunk in run.logs(0)])


def changed(submission: Submission, **container: Any) -> Submission:
    """The submission with other fields of its container."""
    args: Any = dict(submission.resource_args)
    pod = args["spec"]["template"]["spec"]
    pod["containers"] = [{**pod["containers"][0], **container}]
    return replace(submission, resource_args=args)


async def test_secrets_stand_beside_the_job_alone_and_go_with_it(
    runner: KubernetesRunner, jobs: Jobs
) -> None:
    secret = Secret("s3cr3t-value")
    submission = replace(jobs.shell("echo ${#TOKEN}"), env={"TOKEN": secret})
    run = await begun(runner, submission)
    assert (await end_of(run)).state is RunState.FINISHED
    assert await printed(run) == b"12\n"
    assert b"s3cr3t-value" not in await jobs.exposed(submission)
    await run.aclose()
    assert await jobs.traces(submission) == []


@pytest.mark.parametrize(("policy", "found"), [("open", b"a token\n"), ("strict", b"none\n")])
async def test_under_a_strict_policy_no_run_has_the_token_of_an_account(
    site: Site, kubeconfig: Path, jobs: Jobs, policy: str, found: bytes
) -> None:
    token = "/var/run/secrets/kubernetes.io/serviceaccount/token"
    submission = jobs.shell(f"test -e {token} && echo a token || echo none")
    site = replace(site, policy=Policy(of_runners={"kubernetes": policy}))
    async with started(KubernetesRunner(config_file=str(kubeconfig)), site) as runner:
        run = await begun(runner, submission)
        assert (await end_of(run)).state is RunState.FINISHED
        assert await printed(run) == found


async def test_a_secret_of_the_queue_comes_into_no_word_of_a_launch(
    runner: KubernetesRunner, jobs: Jobs
) -> None:
    text = "$(TOKEN) $$(TOKEN) $ $$"
    queues = {"env": [{"name": "TOKEN", "value": "s3cr3t"}, {"name": "OF", "value": "$(TOKEN)"}]}
    submission = changed(jobs.shell(f"echo $OF '{text}' \"$TEXT\""), **queues)
    run = await begun(runner, replace(submission, env={"TEXT": text}))
    assert (await end_of(run)).state is RunState.FINISHED
    assert await printed(run) == f"s3cr3t {text} {text}\n".encode()


async def test_secrets_of_a_job_that_was_never_made_are_discarded_and_those_of_one_that_runs_stay(
    runner: KubernetesRunner, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    about_to = anyio.Event()

    async def killed_before(*_: object) -> None:
        about_to.set()
        await anyio.sleep_forever()

    never, runs = (
        replace(jobs.shell("sleep 600"), env={"TOKEN": Secret("s3cr3t-value")}) for _ in range(2)
    )
    run = await begun(runner, runs)
    await until_running(run)  # its pod is among the traces by then
    with monkeypatch.context() as patched:
        patched.setattr(RunService, "_created", killed_before)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(begun, runner, never)
            await about_to.wait()
            tasks.cancel_scope.cancel()
    assert await jobs.traces(never)
    before = await jobs.traces(runs)
    for submission in (never, runs):
        await runner.discard(runner.ref_of(submission))
    assert await jobs.traces(never) == []
    assert await jobs.traces(runs) == before
    await run.cancel(0)
    await run.aclose()


async def test_code_is_laid_into_an_image_without_a_build(
    runner: KubernetesRunner, jobs: Jobs, tmp_path: Path
) -> None:
    code = tmp_path / "code"
    (code / "lib").mkdir(parents=True)
    (code / "lib" / "said.txt").write_text("from the code\n")
    submission = replace(jobs.shell("cat lib/said.txt"), code=code)
    run = await begun(runner, submission)
    assert (await end_of(run)).state is RunState.FINISHED
    assert await printed(run) == b"from the code\n"
    assert not code.exists()
    await run.aclose()
    assert await jobs.traces(submission) == []


def claimed(jobs: Jobs, folder: Path) -> str:
    """A claim of the namespace for a volume that is a directory of this machine."""
    folder.mkdir()
    name = f"code-{jobs.namespace}"
    shape = {"accessModes": ["ReadWriteMany"], "storageClassName": ""}
    room = {"storage": "1Gi"}
    volume = {**shape, "capacity": room, "hostPath": {"path": str(folder)}}
    jobs.cluster.request(
        "POST", "/api/v1/persistentvolumes", {"metadata": {"name": name}, "spec": volume}
    )
    claim = {**shape, "volumeName": name, "resources": {"requests": room}}
    path = f"/api/v1/namespaces/{jobs.namespace}/persistentvolumeclaims"
    jobs.cluster.request("POST", path, {"metadata": {"name": name}, "spec": claim})
    return name


async def test_code_comes_through_a_volume_to_any_image_and_goes_with_its_run(
    site: Site, kubeconfig: Path, jobs: Jobs, tmp_path: Path
) -> None:
    code, volume = tmp_path / "code", tmp_path / "volume"
    code.mkdir()
    (code / "said.txt").write_text("from the volume\n")
    made = KubernetesRunner(
        config_file=str(kubeconfig),
        code_pvc_name=claimed(jobs, volume),
        code_pvc_mount_path=volume,
    )
    submission = replace(jobs.shell("cat said.txt; echo more >made; cat made"), code=code)
    async with started(made, site) as runner:
        run = await begun(runner, submission)
        assert (await end_of(run)).state is RunState.FINISHED
        assert await printed(run) == b"from the volume\nmore\n"
        assert [*volume.glob("*/made")]
        await run.aclose()
        assert [*volume.iterdir()] == []
        given_up = replace(jobs.shell("true"), code=tmp_path / "other")
        (tmp_path / "other").mkdir()
        await runner.prepare(given_up, RecordingOutput())
        assert [*volume.iterdir()]
        await runner.release(given_up)
        assert [*volume.iterdir()] == []


async def test_a_name_that_somebody_else_has_is_not_taken(
    runner: KubernetesRunner, jobs: Jobs
) -> None:
    submission = jobs.exits(0)
    body = {**runner.render(submission)}
    body["metadata"] = {"name": submission.name, "labels": {"of": "somebody"}}
    body["spec"]["suspend"] = True
    path = f"/{JOBS}/namespaces/{jobs.namespace}/jobs"
    jobs.cluster.request("POST", path, body)
    with pytest.raises(SubmitError, match="somebody else"):
        await begun(runner, submission)


async def test_a_missing_right_is_named_with_the_role_that_gives_it(
    site: Site, cluster: Access, jobs: Jobs, tmp_path: Path
) -> None:
    path = cluster.write_kubeconfig(tmp_path / "nobody", "nobody")
    async with started(KubernetesRunner(config_file=str(path)), site) as runner:
        with pytest.raises(SubmitError, match='cannot list resource "jobs"') as caught:
            await runner.prepare(jobs.exits(0), RecordingOutput())
        assert "kind: Role" in (caught.value.hint or "")
        findings = [finding.message for finding in await runner.check()]
        assert any("missing in namespace default: get jobs" in message for message in findings)


def test_doctor_prints_a_role_that_gives_all_that_is_missing(
    cluster: Access, namespace: str, tmp_path: Path
) -> None:
    user = cluster.add_user()
    path = cluster.write_kubeconfig(tmp_path / "kubeconfig", user, namespace=namespace)
    config = tmp_path / "c.yaml"
    config.write_text(f"queues: []\nrunners: {{kubernetes: {{config_file: {path}}}}}\n")
    doctor = (sys.executable, "-m", "launchkit", "--config", str(config), "doctor")
    told = subprocess.run(doctor, capture_output=True, text=True, check=False).stdout
    table, _, role = told.partition("# kubernetes rights")
    assert "see below" in table
    role = yaml.safe_load(role.partition("\n")[2])
    assert role["metadata"]["namespace"] == namespace
    cluster.allow(user, *role["rules"], namespace=namespace)
    told = subprocess.run(doctor, capture_output=True, text=True, check=False).stdout
    assert f"the agent has all rights that it needs in namespace {namespace}" in told


async def test_a_check_of_a_queue_looks_where_its_runs_are(
    cluster: Access, namespace: str, site: Site, tmp_path: Path
) -> None:
    user = cluster.add_user()
    path = cluster.write_kubeconfig(tmp_path / "kubeconfig", user)
    made = KubernetesRunner(config_file=str(path), namespace="default")
    args: dict[str, Any] = {"namespace": namespace, "spec": {}}
    async with started(made, site) as runner:
        (found,) = await runner.check_queue(args)
        assert f"missing in namespace {namespace}: get jobs" in found.message
        role = yaml.safe_load(str(found.hint).partition("\n")[2])
        cluster.allow(user, *role["rules"], namespace=namespace)
        assert [one.level for one in await runner.check_queue(args)] == ["ok"]
        for open_or_told in ({"namespace": "{{place}}"}, {"namespace": "default"}):
            assert not await runner.check_queue(open_or_told)
        with pytest.raises(SubmitError, match="the cluster has no kind Nothing"):
            await runner.check_queue({"apiVersion": "example.com/v1", "kind": "Nothing"})


async def test_a_run_without_a_place_says_what_it_waits_for_and_is_stopped_at_once(
    runner: KubernetesRunner, jobs: Jobs
) -> None:
    submission = changed(jobs.exits(0), resources={"requests": {"cpu": "4000"}})
    run = await begun(runner, submission)
    status = await run.status()
    with anyio.fail_after(150):
        while "Insufficient cpu" not in (status.message or ""):
            status = await run.changed(status)
    assert (status.state, status.placed) == (RunState.STARTING, False)
    await run.cancel(5)
    assert (await run.status()).state is RunState.STOPPED
    assert await jobs.alive(submission) == []


async def test_a_node_that_works_may_take_long_to_stop_a_run(
    site: Site, kubeconfig: Path, jobs: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    submission = jobs.make("trap '' TERM; sleep 600")
    made = KubernetesRunner(config_file=str(kubeconfig), gone_seconds=0)
    async with started(made, site) as hasty:
        run = await begun(hasty, submission)
        await until_running(run)
        await run.cancel(0)
        assert (await run.status()).state is RunState.STOPPED
    assert "takes long to stop: pod launchkit-" in caplog.text
    assert await jobs.alive(submission) == []


async def test_an_image_that_cannot_be_had_ends_the_run(
    runner: KubernetesRunner, jobs: Jobs
) -> None:
    submission = changed(jobs.exits(0), image="Not/An/Image", imagePullPolicy="Always")
    submission = replace(submission, launch=replace(submission.launch))
    run = await begun(runner, replace(submission, image=None))
    status = await end_of(run)
    assert status.verdict is not None
    assert status.verdict.code == VerdictCode.IMAGE_PULL_FAILED


async def test_a_job_that_was_deleted_by_hand_is_lost_and_not_a_mystery(
    runner: KubernetesRunner, jobs: Jobs
) -> None:
    submission = jobs.waits()
    run = await begun(runner, submission)
    await until_running(run)
    path = f"/{JOBS}/namespaces/{jobs.namespace}/jobs/{submission.name}"
    jobs.cluster.request("DELETE", path, {"propagationPolicy": "Background"})
    with pytest.raises(RunLost, match="nothing tells how it ended"):
        await end_of(run)


async def test_the_output_of_a_pod_and_of_the_one_in_its_place_is_read(
    runner: KubernetesRunner, jobs: Jobs
) -> None:
    again = "if [ -e /place/tried ]; then echo second; else echo first >/place/tried; false; fi"
    submission = jobs.shell(f"echo begins; {again}")
    args: Any = dict(submission.resource_args)
    args["spec"]["backoffLimit"] = 1
    run = await begun(runner, replace(submission, resource_args=args))
    seen: list[bytes] = []

    async def read() -> None:
        seen.extend([chunk.data async for chunk in run.logs(0)])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        assert (await end_of(run)).state is RunState.FINISHED
    said = [line.partition(" | ")[2] for line in b"".join(seen).decode().splitlines()]
    assert said == ["begins", "begins", "second"]
    assert await printed(run) == b"".join(seen)


async def test_lines_of_several_containers_have_their_names_and_come_in_order(
    runner: KubernetesRunner, jobs: Jobs
) -> None:
    submission = jobs.shell("for n in 1 2 3; do echo main $n; sleep 0.2; done")
    args: Any = dict(submission.resource_args)
    script = "for n in 1 2 3; do echo side $n; sleep 0.2; done"
    side = {"name": "side", "image": jobs.image, "imagePullPolicy": "IfNotPresent"}
    args["spec"]["template"]["spec"]["containers"].append(
        {**side, "command": ["/bin/sh", "-c", script]}
    )
    run = await begun(runner, replace(submission, resource_args=args))
    await end_of(run)
    first, second = await printed(run), await printed(run)
    assert first == second
    lines = first.decode().splitlines()
    of = {word: [line for line in lines if f"| {word}" in line] for word in ("main", "side")}
    assert [line[-1] for line in of["main"]] == ["1", "2", "3"]
    assert all("/side | side" in line for line in of["side"])
    assert len(lines) == 6


async def test_much_output_of_several_containers_comes_whole(
    runner: KubernetesRunner, jobs: Jobs
) -> None:
    script = "n=0; while [ $n -lt 60 ]; do n=$((n+1)); printf '%030000d\\n' $n; done"
    submission = jobs.shell(script)
    args: Any = dict(submission.resource_args)
    side = {"name": "side", "image": jobs.image, "imagePullPolicy": "IfNotPresent"}
    args["spec"]["template"]["spec"]["containers"].append(
        {**side, "command": ["/bin/sh", "-c", script]}
    )
    run = await begun(runner, replace(submission, resource_args=args))
    await end_of(run)
    lines = (await printed(run)).decode().splitlines()
    for name in ("launch0", "side"):
        of = [line.partition(" | ")[2] for line in lines if f"/{name} | " in line[:80]]
        assert of == [f"{number:030000}" for number in range(1, 61)]
    assert len(lines) == 120


async def test_an_end_stands_although_its_pod_is_rewritten(
    runner: KubernetesRunner, jobs: Jobs
) -> None:
    submission = jobs.exits(3)
    run = await begun(runner, submission)
    end = await end_of(run)
    pods = f"/api/v1/namespaces/{jobs.namespace}/pods"
    for pod in jobs.cluster.request("GET", pods)["items"]:
        jobs.cluster.request("DELETE", f"{pods}/{pod['metadata']['name']}")
    found = await runner.attach(run.ref)
    assert await found.status() == end


async def test_a_ref_that_is_none_is_lost(runner: KubernetesRunner) -> None:
    for ref in ("", "Job/x", "batch/v1/Job/../../x", "a" * 5000):
        with pytest.raises(RunLost):
            await runner.attach(ref)


async def test_a_config_without_an_image_is_refused(runner: KubernetesRunner, jobs: Jobs) -> None:
    args = {"namespace": jobs.namespace}
    with pytest.raises(Rejected, match="needs an image"):
        await runner.prepare(make_submission("true", resource_args=args), RecordingOutput())


async def test_an_unknown_kind_is_named(runner: KubernetesRunner, jobs: Jobs) -> None:
    args = {"apiVersion": "kubeflow.org/v1", "kind": "PyTorchJob", "namespace": jobs.namespace}
    submission = make_submission("true", image=jobs.image, resource_args=args)
    with pytest.raises(SubmitError, match="no kind PyTorchJob in kubeflow"):
        await runner.prepare(submission, RecordingOutput())
