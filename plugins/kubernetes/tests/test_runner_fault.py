"""Jobs whose API server does not answer as it should, now and then."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from launchkit_kubernetes.runner import KubernetesRunner
from sampling import EACH_NTH

from launchkit.abc import Site
from launchkit.testing import Gateway, RunnerFaultContract, gateway, started

from .cluster.access import Access
from .workloads import Jobs


class TestKubernetesFault(RunnerFaultContract):
    patience = 150.0  # pods start slowly where much else goes on
    each_nth = EACH_NTH

    @pytest.fixture
    async def gateway(self, cluster: Access) -> AsyncIterator[Gateway]:
        address = cluster.server.removeprefix("https://")
        async with gateway(address, tls=cluster.tls()) as way:
            yield way

    @pytest.fixture
    async def runner(
        self, site: Site, cluster: Access, gateway: Gateway, tmp_path: Path
    ) -> AsyncIterator[KubernetesRunner]:
        path = tmp_path / "through-the-gateway"
        cluster.write_kubeconfig(path, server=f"http://{gateway.host}")
        async with started(KubernetesRunner(config_file=str(path)), site) as runner:
            yield runner

    @pytest.fixture
    def workload(self, cluster: Access, namespace: str, busybox: str, tmp_path: Path) -> Jobs:
        return Jobs(cluster, namespace, busybox, tmp_path)
