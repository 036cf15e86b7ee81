"""The runner `gcp-vertex` keeps to the contract of runners."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
import yaml
from jsonschema import Draft202012Validator
from launchkit_gcp.vertex.runner import VertexRunner

from launchkit.abc import Runner, Site
from launchkit.errors import Rejected
from launchkit.model import Secret
from launchkit.testing import RunnerContract, started
from launchkit.testing import Workload as AnyWorkload

from .fake import FakeVertex
from .making import Trainings, runner


class TestVertexRunner(RunnerContract):
    keeps_bytes = False  # Cloud Logging has lines of text

    @pytest.fixture
    async def runner(self, site: Site, fake: FakeVertex) -> AsyncIterator[VertexRunner]:
        async with started(runner(fake), site) as made:
            yield made

    @pytest.fixture
    def workload(self, fake: FakeVertex, tmp_path: Path) -> Trainings:
        return Trainings(fake, tmp_path)

    async def test_its_class_describes_a_queues_config(
        self, runner: Runner, workload: AnyWorkload
    ) -> None:
        """What is offered to begin with is good as soon as its places are filled in."""
        schema = VertexRunner.args_schema()
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(workload.exits(0).resource_args)
        offered = yaml.safe_load(VertexRunner.starter_config())
        Draft202012Validator(schema).validate(offered)
        with pytest.raises(Rejected) as caught:
            VertexRunner.check_args(offered)
        told = [line.partition(":")[0] for line in caught.value.message.splitlines()]
        assert told == ["resource_args.spec.staging_bucket"]
        offered["spec"]["staging_bucket"] = "gs://bucket"
        VertexRunner.check_args(offered)

    async def test_a_run_gets_its_environment(self, runner: Runner, workload: AnyWorkload) -> None:
        """Its last line has an end, as all lines of Cloud Logging."""
        submission = self.shell(workload, 'printf "%s|%s|%s" "$PLAIN" "$TOKEN" "$EMPTY-"')
        secret, text = uuid4().hex, "a 'b' \"c\" $HOME \\ é"
        env = {**submission.env, "PLAIN": text, "TOKEN": Secret(secret), "EMPTY": ""}
        run = await self.submitted(runner, replace(submission, env=env))
        assert (await self.output(run)).decode() == f"{text}|{secret}|-\n"
        await self.closed(run)

    async def test_logs_are_bytes_as_they_were_printed(
        self, runner: Runner, workload: AnyWorkload
    ) -> None:
        """As far as they are lines of text."""
        run = await self.submitted(runner, self.shell(workload, r"printf 'a\r\n\nb \033[0m  end'"))
        assert await self.output(run) == b"a\r\n\nb \x1b[0m  end\n"
        await self.closed(run)

    async def test_much_output_comes_whole(self, runner: Runner, workload: AnyWorkload) -> None:
        script = "i=0; while [ $i -lt 32 ]; do head -c 99991 /dev/zero; echo; i=$((i+1)); done"
        run = await self.submitted(runner, self.shell(workload, f"{script}; printf end"))
        said = await self.output(run)
        assert said == 32 * (99991 * b"\0" + b"\n") + b"end\n"
        await self.closed(run)
