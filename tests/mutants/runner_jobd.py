"""The runner of the documentation whose jobs are those of a service, through a gateway."""

import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from launchkit.abc import Site
from launchkit.model import Submission
from launchkit.testing import (
    Gateway,
    RunnerFaultContract,
    Workload,
    gateway,
    make_submission,
    started,
)

sys.path.append(str(Path(__file__).parents[2] / "docs" / "examples" / "jobd"))

from jobd import Jobd as Service
from jobd import serving
from launchkit_jobd import JobdRunner, JobRun
from launchkit_jobd.client import Jobd

__all__ = ["FaultSuite", "JobRun", "Jobd", "JobdRunner"]


class Scripts(Workload):
    """Shell scripts, as jobd sees them."""

    def __init__(self, jobd: Service) -> None:
        self.jobd = jobd

    def exits(self, code: int) -> Submission:
        return make_submission("sh", "-c", f"exit {code}", image="img")

    def waits(self) -> Submission:
        return make_submission("sleep", "600", image="img")

    def prints(self, text: str) -> Submission:
        return make_submission("printf", "%s", text, image="img")

    async def starts(self, submission: Submission) -> int:
        return self.jobd.starts[submission.name]

    async def traces(self, submission: Submission) -> Sequence[str]:
        return [name for name in self.jobd.jobs if name == submission.name]

    async def alive(self, submission: Submission) -> Sequence[str]:
        jobs = [job for name, job in self.jobd.jobs.items() if name == submission.name]
        return [str(job.process.pid) for job in jobs if job.process.poll() is None]

    async def exposed(self, submission: Submission) -> bytes:
        return b""


class FaultSuite(RunnerFaultContract):
    """The suite for a class that is nearly the runner of jobd."""

    patience = 10.0
    made: type[JobdRunner] = JobdRunner

    @pytest.fixture
    def jobd(self, tmp_path: Path) -> Iterator[Service]:
        folder = tmp_path / "jobd"
        folder.mkdir()
        with serving(folder) as jobd:
            yield jobd

    @pytest.fixture
    async def gateway(self, jobd: Service) -> AsyncIterator[Gateway]:
        async with gateway(jobd.host) as way:
            yield way

    @pytest.fixture
    async def runner(self, site: Site, gateway: Gateway) -> AsyncIterator[JobdRunner]:
        async with started(self.made(url=f"http://{gateway.host}", poll=0.05), site) as runner:
            yield runner

    @pytest.fixture
    def workload(self, jobd: Service) -> Scripts:
        return Scripts(jobd)
