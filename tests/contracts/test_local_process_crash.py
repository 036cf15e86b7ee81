"""Runs of `local-process` whose agents are killed at each step."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sampling import EACH_NTH
from workloads import Processes

from launchkit.abc import Site
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.testing import OperatingSystem, RunnerCrashContract, started

pytestmark = pytest.mark.long


class TestLocalProcessCrash(RunnerCrashContract):
    each_nth = EACH_NTH

    @pytest.fixture
    async def runner(self, site: Site) -> AsyncIterator[LocalProcessRunner]:
        async with started(LocalProcessRunner(), site) as runner:
            yield runner

    @pytest.fixture
    def workload(self, runner: LocalProcessRunner, tmp_path: Path) -> Iterator[Processes]:
        processes = Processes(runner, tmp_path)
        yield processes
        processes.kill()

    @pytest.fixture
    def counterpart(self, site: Site) -> OperatingSystem:
        return OperatingSystem(site.state_dir, site.cache_dir)
