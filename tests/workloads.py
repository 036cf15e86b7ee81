"""What the runners of launchkit are asked to run when they are tested."""

import shlex
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from run_processes import tagged

from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.model import Submission
from launchkit.supervision import processes
from launchkit.testing import FakeCompute, Workload, make_submission


class Fakes(Workload):
    """Submissions whose arguments say how they go."""

    def __init__(self, compute: FakeCompute) -> None:
        self.compute = compute

    def exits(self, code: int) -> Submission:
        return make_submission(resource_args={"exit_code": code})

    def waits(self) -> Submission:
        return make_submission()

    def prints(self, text: str) -> Submission:
        return make_submission(resource_args={"output": text, "exit_code": 0})

    async def starts(self, submission: Submission) -> int:
        return self.compute.starts.get(submission.name, 0)

    async def traces(self, submission: Submission) -> Sequence[str]:
        return [name for name in self.compute.processes if name == submission.name]

    async def exposed(self, submission: Submission) -> bytes:
        return repr(vars(self.compute.find(submission.name))).encode()


class Processes(Workload):
    """Shell scripts that leave a line in a file when they start."""

    def __init__(self, runner: LocalProcessRunner, place: Path) -> None:
        self.runner = runner
        self.place = place
        self.names: list[str] = []

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
        directory = self.directory(submission)
        return [
            *await self.alive(submission),
            *(str(path) for path in [directory] if path.exists()),
        ]

    async def exposed(self, submission: Submission) -> bytes:
        directory = self.directory(submission)
        files = [path.read_bytes() for path in directory.rglob("*") if path.is_file()]
        pids = tagged(submission.name)
        assert pids
        assert files
        return b"\n".join([*files, *(Path(f"/proc/{p}/cmdline").read_bytes() for p in pids)])

    def shell(self, script: str) -> Submission:
        return self.make(script)

    async def alive(self, submission: Submission) -> Sequence[str]:
        return [str(pid) for pid in tagged(submission.name)]

    def directory(self, submission: Submission) -> Path:
        return Path(LocalProcessRunner.ref_of(self.runner, submission))

    def make(self, script: str) -> Submission:
        submission = make_submission()
        self.names.append(submission.name)
        code = self.place / submission.name
        code.mkdir()
        record = shlex.quote(f"{code}.starts")
        (code / "run.sh").write_text(f"echo started >> {record}\n{script}\n")
        command = ("sh", "run.sh")
        launch = replace(submission.launch, entry_point=command)
        return make_submission(*command, launch=launch, code=code)

    def kill(self) -> None:
        """End what was made here and still runs."""
        for name in self.names:
            for pid in tagged(name):
                processes.send(pid, signal.SIGKILL)
