"""The runner `background` keeps to the contract of runners."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import anyio
import pytest
from launchkit_background import BackgroundRunner

from launchkit.abc import Site
from launchkit.model import Submission
from launchkit.testing import RunnerContract, Workload, make_submission, started


class Scripts(Workload):
    """Shell scripts; each leaves a line in a file when it starts."""

    def __init__(self, place: Path, runs: Path) -> None:
        self.place = place
        self.runs = runs

    def exits(self, code: int) -> Submission:
        return self.script(f"exit {code}")

    def waits(self) -> Submission:
        return self.script("exec sleep 600")

    def prints(self, text: str) -> Submission:
        return self.script("cat text", text)

    async def starts(self, submission: Submission) -> int:
        record = self.place / f"{submission.name}.starts"
        submitted = (self.runs / submission.name).exists()
        with anyio.move_on_after(10 if submitted else 0):
            while not record.exists():  # noqa: ASYNC110 - nothing tells of a new file
                await anyio.sleep(0.01)
        return len(record.read_text().splitlines()) if record.exists() else 0

    async def traces(self, submission: Submission) -> Sequence[str]:
        return [str(path) for path in self.runs.glob(f"{submission.name}*")]

    async def exposed(self, submission: Submission) -> bytes:
        directory = self.runs / submission.name
        return b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())

    def script(self, text: str, data: str = "") -> Submission:
        submission = make_submission("sh", "run.sh")
        code = self.place / submission.name
        code.mkdir()
        (code / "run.sh").write_text(f"echo started >> {code}.starts\n{text}\n")
        (code / "text").write_text(data)
        return make_submission("sh", "run.sh", name=submission.name, code=code)


class TestBackgroundRunner(RunnerContract):
    @pytest.fixture
    async def runner(self, site: Site) -> AsyncIterator[BackgroundRunner]:
        async with started(BackgroundRunner(), site) as runner:
            yield runner

    @pytest.fixture
    def workload(self, site: Site, tmp_path: Path) -> Scripts:
        return Scripts(tmp_path, site.state_dir / "background")
