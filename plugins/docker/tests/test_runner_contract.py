"""The runner `local-container` keeps to the contract of runners."""

import shlex
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from docker_engine import Engine
from launchkit_docker.runner import ContainerRunner

from launchkit.abc import Site
from launchkit.model import Submission
from launchkit.testing import RunnerContract, Workload, make_submission, started

pytestmark = pytest.mark.long


class Containers(Workload):
    """Shell scripts of busybox that leave a line in a mounted directory when they start."""

    def __init__(self, image: str, engine: Engine, place: Path, label: str) -> None:
        self.image, self.engine, self.place, self.label = image, engine, place, label

    def exits(self, code: int) -> Submission:
        return self.make(f"exit {code}")

    def waits(self) -> Submission:
        return self.make("trap 'exit 0' TERM; sleep 600 & wait")

    def prints(self, text: str) -> Submission:
        return self.make(f"printf %s {shlex.quote(text)}")

    async def starts(self, submission: Submission) -> int:
        record = self.place / submission.name
        return len(record.read_text().splitlines()) if record.exists() else 0

    async def traces(self, submission: Submission) -> Sequence[str]:
        found = self.engine.containers(**{"launchkit-test": self.label})
        names = [name for container in found for name in container["Names"]]
        return [name for name in names if name == f"/{submission.name}"]

    async def exposed(self, submission: Submission) -> bytes:
        seen = self.engine.http.get(f"/containers/{submission.name}/json").json()
        del seen["Config"]["Env"]
        top = self.engine.http.get(f"/containers/{submission.name}/top").text
        return f"{seen}{top}".encode()

    def shell(self, script: str) -> Submission:
        return self.make(script)

    async def alive(self, submission: Submission) -> Sequence[str]:
        found = self.engine.containers(**{"launchkit-test": self.label})
        return [
            name
            for container in found
            for name in container["Names"]
            if container["State"] == "running" and name == f"/{submission.name}"
        ]

    def make(self, script: str) -> Submission:
        submission = make_submission()
        line = f"echo started >> /place/{submission.name}; {script}"
        args = {
            "label": f"launchkit-test={self.label}",
            "volume": f"{self.place}:/place",
            "network": "none",
        }
        command = ("/bin/sh", "-c", line)
        launch = replace(submission.launch, entry_point=command)
        return make_submission(*command, launch=launch, image=self.image, resource_args=args)


class TestContainerRunner(RunnerContract):
    has_last_chance = True
    keeps_bytes = False  # the log driver `json-file` stores text

    @pytest.fixture
    async def runner(self, site: Site) -> AsyncIterator[ContainerRunner]:
        async with started(ContainerRunner(), site) as runner:
            yield runner

    @pytest.fixture
    def workload(self, busybox: str, docker_engine: Engine, tmp_path: Path) -> Iterator[Containers]:
        label = uuid4().hex
        yield Containers(busybox, docker_engine, tmp_path, label)
        for container in docker_engine.containers(**{"launchkit-test": label}):
            docker_engine.http.delete(
                f"/containers/{container['Id']}", params={"force": True, "v": True}
            )
