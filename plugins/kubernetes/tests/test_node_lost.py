"""Runs whose node is lost: its kubelet is killed, and nothing ends their pods."""

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from launchkit_kubernetes.runner import KubernetesRunner

from launchkit.abc import Site
from launchkit.model import RunState, VerdictCode
from launchkit.testing import started, until_running
from launchkit.testing.recording import RecordingOutput

from .cluster.cluster import Cluster, running
from .cluster.programs import skip_without_programs
from .workloads import Jobs


@pytest.fixture
def lossy() -> Iterator[Cluster]:
    """A cluster whose node goes away."""
    skip_without_programs(node=True)
    with running(Cluster(node=True, controllers=("--node-monitor-grace-period=15s",))) as cluster:
        yield cluster


async def test_pods_of_a_node_that_is_lost_end_the_run_and_are_named(
    lossy: Cluster, site: Site, tmp_path: Path
) -> None:
    path = lossy.write_kubeconfig(tmp_path / "kubeconfig")
    made = KubernetesRunner(config_file=str(path), gone_seconds=1)
    with lossy.engine() as engine, engine.busybox(tmp_path) as image:
        jobs = Jobs(lossy, lossy.make_namespace(), image, tmp_path)
        submission = jobs.waits()
        async with started(made, site) as runner:
            await runner.prepare(submission, RecordingOutput())
            lost = await runner.submit(submission)
            status = await until_running(lost)
            lossy.kubelet.kill()
            for name in await jobs.alive(submission):  # as the cluster does that has other nodes
                lossy.request("DELETE", f"/api/v1/namespaces/{jobs.namespace}/pods/{name}")
            with anyio.fail_after(150):
                while not status.state.ended:
                    status = await lost.changed(status)
            assert status.state is RunState.FAILED
            assert status.verdict is not None
            assert status.verdict.code == VerdictCode.NODE_LOST
            assert f"pod {submission.name}" in status.verdict.summary
            found = await runner.attach(lost.ref)
            assert await found.status() == status
