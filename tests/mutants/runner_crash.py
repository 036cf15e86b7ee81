"""Runners that go wrong in a crash, most of which `RunnerContract` cannot tell from right ones."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from workloads import Processes

from launchkit.abc import Site
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.testing import OperatingSystem, RunnerCrashContract, started
from mutants import runner_crashes
from mutants.table import Mutant


class CrashSuite(RunnerCrashContract):
    """The suite for a class that is nearly the runner of local processes."""

    patience = 20.0
    made: type[LocalProcessRunner] = LocalProcessRunner

    @pytest.fixture
    async def runner(self, site: Site) -> AsyncIterator[LocalProcessRunner]:
        async with started(self.made(), site) as runner:
            yield runner

    @pytest.fixture
    def workload(self, runner: LocalProcessRunner, tmp_path: Path) -> Iterator[Processes]:
        processes = Processes(runner, tmp_path)
        yield processes
        processes.kill()

    @pytest.fixture
    def counterpart(self, site: Site) -> OperatingSystem:
        return OperatingSystem(site.state_dir, site.cache_dir)


CRASHES = {
    "refuses a half made place": runner_crashes.RefusesAHalfMadePlace,
    "takes a half made place for a run": runner_crashes.TakesAHalfMadePlaceForARun,
    "leaves a lock": runner_crashes.LeavesALock,
    "leaves what never began": runner_crashes.LeavesWhatNeverBegan,
    "notes a run after its start": runner_crashes.NotesAfterTheStart,
    "removes the end first": runner_crashes.EndsFirst,
    "marks a cancelled run after the kill": runner_crashes.KillsFirst,
    "runs end when their process is killed": runner_crashes.EndsWithItsProcess,
}
FAST = {"leaves a lock"}
MUTANTS = tuple(
    Mutant(defect, CrashSuite, {"made": made}, defect in FAST) for defect, made in CRASHES.items()
)
VARIANTS = (Mutant("the runner itself", CrashSuite, {}),)
