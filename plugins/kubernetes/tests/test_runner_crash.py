"""Jobs whose agents are killed at each request to the API server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from launchkit_kubernetes.runner import KubernetesRunner

from launchkit.abc import Site
from launchkit.testing import RunnerCrashContract, Server, started

from .cluster.access import Access
from .workloads import Jobs


class TestKubernetesCrash(RunnerCrashContract):
    patience = 400.0
    """A kubelet of 1.20 removes a pod that was deleted before its container began once a minute,
    and later where much else goes on."""

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
