"""The suites work in the project of somebody else, and find what is wrong there."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

PLUGIN = '''
import pytest
from launchkit.testing import FakeRunner, RunnerContract, Workload, make_submission


class Forgetful(FakeRunner):
    """Starts a run each time that it is asked."""

    async def submit(self, submission):
        if {broken}:
            self.compute.processes.pop(submission.name, None)
        return await super().submit(submission)


class Fakes(Workload):
    def __init__(self, compute):
        self.compute = compute

    def exits(self, code):
        return make_submission(resource_args={{"exit_code": code}})

    def waits(self):
        return make_submission()

    def prints(self, text):
        return make_submission(resource_args={{"output": text, "exit_code": 0}})

    async def starts(self, submission):
        return self.compute.starts.get(submission.name, 0)

    async def traces(self, submission):
        return [name for name in self.compute.processes if name == submission.name]

    async def exposed(self, submission):
        return b""


class TestMine(RunnerContract):
    @pytest.fixture
    {fixture}

    @pytest.fixture
    def workload(self, runner):
        return Fakes(runner.compute)
'''
AUTO = "[pytest]\nanyio_mode = auto\nfilterwarnings = error\n"
SYNC = "def runner(self):\n        return Forgetful()"
ASYNC = "async def runner(self):\n        return Forgetful()"
LACKING = {"its workload has no shell", "it makes nothing before it starts a run"}


def run(place: Path, fixture: str, *, broken: bool = False, settings: str = AUTO) -> str:
    (place / "pytest.ini").write_text(settings)
    (place / "test_mine.py").write_text(PLUGIN.format(fixture=fixture, broken=broken))
    command = [sys.executable, "-m", "pytest", "-q", "-rfs", "-p", "no:cacheprovider"]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize(
    ("fixture", "settings"),
    [(SYNC, "[pytest]\n"), (ASYNC, AUTO)],
    ids=["sync fixture, no mode", "async fixture, auto"],
)
def test_a_good_runner_passes_and_what_it_lacks_is_skipped(
    tmp_path: Path, fixture: str, settings: str
) -> None:
    *lines, last = run(tmp_path, fixture, settings=settings).splitlines()
    assert "passed" in last
    assert not {"failed", "error", "warning"} & {*last.split()}, last
    skips = [line for line in lines if line.startswith("SKIPPED")]
    assert {line.partition(": ")[2] for line in skips} == LACKING


def test_a_runner_that_starts_twice_is_found_and_the_values_are_shown(tmp_path: Path) -> None:
    output = run(tmp_path, SYNC, broken=True)
    assert (
        "FAILED test_mine.py::TestMine::test_submitting_a_name_twice_in_a_row_starts_it_once"
        in output
    )
    assert "assert 2 == 1" in output
