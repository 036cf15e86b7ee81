"""The runner `local-process` keeps to the contract of runners."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from workloads import Processes

from launchkit.abc import Site
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.testing import RunnerContract, started


class TestLocalProcessRunner(RunnerContract):
    has_last_chance = True

    @pytest.fixture
    async def runner(self, site: Site) -> AsyncIterator[LocalProcessRunner]:
        async with started(LocalProcessRunner(), site) as runner:
            yield runner

    @pytest.fixture
    def workload(self, runner: LocalProcessRunner, tmp_path: Path) -> Processes:
        return Processes(runner, tmp_path)
