"""The runner `kubernetes` keeps to the contract of runners, on a real cluster."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from launchkit_kubernetes.runner import KubernetesRunner

from launchkit.abc import Site
from launchkit.testing import RunnerContract, started

from .cluster.access import Access
from .workloads import Jobs


class TestKubernetesRunner(RunnerContract):
    patience = 150.0  # pods start slowly where much else goes on

    keeps_bytes = False  # the Engine's log driver stores text
    has_last_chance = True
    keeps_output = False  # it goes with the pod

    @pytest.fixture
    async def runner(self, site: Site, kubeconfig: Path) -> AsyncIterator[KubernetesRunner]:
        made = KubernetesRunner(config_file=str(kubeconfig))
        async with started(made, site) as runner:
            yield runner

    @pytest.fixture
    def workload(self, cluster: Access, namespace: str, busybox: str, tmp_path: Path) -> Jobs:
        return Jobs(cluster, namespace, busybox, tmp_path)
