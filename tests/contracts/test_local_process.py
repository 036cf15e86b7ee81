"""The runner `local-process` keeps to the contract of runners."""

import shlex
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from launchkit.abc import Site
from launchkit.builtin.local_process import supervisor
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.model import Submission
from launchkit.testing import RunnerContract, Workload, make_submission, started


class Processes(Workload):
    """Shell scripts that leave a line in a file when they start."""

    def __init__(self, runner: LocalProcessRunner, place: Path) -> None:
        self.runner = runner
        self.place = place

    def exits(self, code: int) -> Submission:
        return self.make(f"exit {code}")

    def waits(self) -> Submission:
        return self.make("exec sleep 600")

    def prints(self, text: str) -> Submission:
        return self.make(f"printf %s {shlex.quote(text)}")

    async def starts(self, submission: Submission) -> int:
        record = self.place / f"{submission.name}.starts"
        return len(record.read_text().splitlines()) if record.exists() else 0

    async def traces(self, submission: Submission) -> Sequence[str]:
        processes = [str(pid) for pid in supervisor.tagged(submission.name.encode())]
        directory = Path(self.runner.ref_of(submission))
        return [*processes, *(str(path) for path in [directory] if path.exists())]

    async def exposed(self, submission: Submission) -> bytes:
        directory = Path(self.runner.ref_of(submission))
        files = [path.read_bytes() for path in directory.rglob("*") if path.is_file()]
        pids = supervisor.tagged(submission.name.encode())
        assert pids
        assert files
        return b"\n".join([*files, *(Path(f"/proc/{p}/cmdline").read_bytes() for p in pids)])

    def make(self, script: str) -> Submission:
        submission = make_submission()
        code = self.place / submission.name
        code.mkdir()
        record = shlex.quote(f"{code}.starts")
        (code / "run.sh").write_text(f"echo started >> {record}\n{script}\n")
        return make_submission("sh", "run.sh", name=submission.name, code=code)


class TestLocalProcessRunner(RunnerContract):
    @pytest.fixture
    async def runner(self, site: Site) -> AsyncIterator[LocalProcessRunner]:
        async with started(LocalProcessRunner(), site) as runner:
            yield runner

    @pytest.fixture
    def workload(self, runner: LocalProcessRunner, tmp_path: Path) -> Processes:
        return Processes(runner, tmp_path)
