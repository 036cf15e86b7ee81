"""A quota that is used up is waited for, by that run alone."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from launchkit_kubernetes.runner import KubernetesRunner
from waiting import until

from launchkit.abc import Runner, Site
from launchkit.errors import NotYet, StartTimeout
from launchkit.model import Secret, Submission
from launchkit.testing import end_of, started
from launchkit.testing.recording import RecordingOutput

from .workloads import Jobs, begun


@pytest.fixture
async def runner(site: Site, kubeconfig: Path) -> AsyncIterator[KubernetesRunner]:
    async with started(KubernetesRunner(config_file=str(kubeconfig)), site) as runner:
        yield runner


async def test_a_quota_that_is_used_up_is_waited_for(runner: KubernetesRunner, jobs: Jobs) -> None:
    await without_quota(jobs)
    submission = jobs.exits(0)
    await waited_for_quota(runner, submission, jobs)
    run = await runner.submit(submission)
    assert (await end_of(run)).exit_code == 0


async def test_a_quota_is_waited_for_no_longer_than_the_launch_allows(
    runner: KubernetesRunner, jobs: Jobs
) -> None:
    await without_quota(jobs)
    submission = jobs.exits(0)
    limits = replace(submission.launch.limits, place=0.5)
    hasty = replace(submission, launch=replace(submission.launch, limits=limits))
    with pytest.raises(StartTimeout, match=r"got no place within 0\.5 seconds: .*exceeded quota"):
        await runner.prepare(hasty, RecordingOutput())


async def test_a_quota_that_is_used_up_meanwhile_starts_nothing_and_is_waited_for_then(
    runner: KubernetesRunner, jobs: Jobs
) -> None:
    await begun(runner, jobs.exits(0))
    submission = jobs.make("exit 0", env={"TOKEN": Secret("hidden")})
    await runner.prepare(submission, RecordingOutput())
    await without_quota(jobs)
    with pytest.raises(NotYet, match="exceeded quota"):
        await runner.submit(submission)
    assert await jobs.alive(submission) == []
    await waited_for_quota(runner, submission, jobs)
    run = await runner.submit(submission)
    assert (await end_of(run)).exit_code == 0


def quotas_of(jobs: Jobs) -> str:
    return f"/api/v1/namespaces/{jobs.namespace}/resourcequotas"


async def without_quota(jobs: Jobs) -> None:
    """Let nothing be created any more."""
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"count/jobs.batch": "0"}}}
    jobs.cluster.request("POST", quotas_of(jobs), quota)
    none = f"{quotas_of(jobs)}/none"
    await until(lambda: "status" in jobs.cluster.request("GET", none))


async def waited_for_quota(runner: Runner, submission: Submission, jobs: Jobs) -> None:
    """Prepare, which waits until there is room."""
    out = RecordingOutput()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(runner.prepare, submission, out)
        await until(lambda: "waits for quota" in out.text)
        jobs.cluster.request("DELETE", f"{quotas_of(jobs)}/none")
