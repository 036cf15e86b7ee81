"""Jobs whose agents are killed at each request to the API server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from launchkit_kubernetes.runner import KubernetesRunner
from sampling import EACH_NTH

from launchkit.abc import Run, Site
from launchkit.errors import RunLost, SubmitError
from launchkit.model import Submission
from launchkit.testing import RecordingOutput, RunnerCrashContract, Server, started
from launchkit.testing.contracts.crashes import at_each_moment
from launchkit.testing.contracts.runner_crash import LIVED
from launchkit.testing.counterparts import Lived, Moment

from .cluster.access import Access
from .workloads import Jobs


class TestKubernetesCrash(RunnerCrashContract):
    each_nth = EACH_NTH
    patience = 400.0
    """A kubelet of 1.20 removes a pod that was deleted before its container began once a minute,
    and later where much else goes on."""

    async def test_what_takes_the_name_of_a_run_whose_agent_was_killed_is_left_alone(
        self, runner: KubernetesRunner, workload: Jobs, site: Site, counterpart: Server
    ) -> None:
        """Where the run was made it goes on, else it is refused; nothing of it is left."""

        async def check(moment: Moment | None) -> Lived:
            submission, code = self._ends(workload)
            lived = await counterpart.live(self._life(runner, submission, site), moment)
            taken = workload.take_name(submission)
            async with self.another(runner, site) as successor:
                if not taken:
                    await self._finish(successor, submission, code, lived)
                else:
                    await self._refused(successor, submission, lived)
                    assert workload.uid(submission) == taken
                    assert await workload.traces(submission) == [submission.name]
            assert await workload.starts(submission) <= 1
            return lived

        await at_each_moment(check, LIVED, nth=self.each_nth, first=2)

    async def _refused(
        self, runner: KubernetesRunner, submission: Submission, lived: Lived
    ) -> None:
        with pytest.raises(RunLost):
            await _found(runner, submission)
        if "ended" in lived.told:
            return
        await runner.prepare(submission, RecordingOutput())
        with pytest.raises(SubmitError):
            await runner.submit(submission)
        await runner.release(submission)

    @pytest.fixture
    async def runner(self, site: Site, kubeconfig: Path) -> AsyncIterator[KubernetesRunner]:
        made = KubernetesRunner(config_file=str(kubeconfig))
        async with started(made, site) as runner:
            yield runner

    @pytest.fixture
    def workload(self, cluster: Access, namespace: str, busybox: str, tmp_path: Path) -> Jobs:
        return Jobs(cluster, namespace, busybox, tmp_path)

    @pytest.fixture
    def counterpart(self, cluster: Access, tmp_path: Path) -> Server:
        path = f"{tmp_path}/kubeconfig-{{port}}"
        return Server(
            cluster.server.removeprefix("https://"),
            settings={"config_file": path},
            tls=cluster.tls(),
            files={path: cluster.kubeconfig(server="http://{host}")},
        )


async def _found(runner: KubernetesRunner, submission: Submission) -> Run:
    """As an agent finds the run that an earlier one had."""
    ref = runner.ref_of(submission)
    await runner.require_own(ref, submission.launch.which)
    return await runner.attach(ref)
