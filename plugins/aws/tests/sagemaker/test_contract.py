"""The runner `sagemaker` keeps to the contract of runners."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from launchkit_aws.sagemaker.runner import SageMakerRunner

from launchkit.abc import Runner, Site
from launchkit.errors import Rejected
from launchkit.testing import RunnerContract, started
from launchkit.testing import Workload as AnyWorkload

from .fake import FakeAws
from .making import Trainings, runner


class TestSageMakerRunner(RunnerContract):
    has_last_chance = True
    keeps_bytes, gives_lines = False, True  # CloudWatch has lines of text

    @pytest.fixture
    async def runner(self, site: Site, fake: FakeAws) -> AsyncIterator[SageMakerRunner]:
        async with started(runner(), site) as made:
            yield made

    @pytest.fixture
    def workload(self, fake: FakeAws, tmp_path: Path) -> Trainings:
        return Trainings(fake, tmp_path)

    async def test_its_class_describes_a_queues_config(
        self, runner: Runner, workload: AnyWorkload
    ) -> None:
        """What is offered to begin with is good as soon as its places are filled in."""
        schema = SageMakerRunner.args_schema()
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(workload.exits(0).resource_args)
        offered = yaml.safe_load(SageMakerRunner.starter_config())
        Draft202012Validator(schema).validate(offered)
        with pytest.raises(Rejected) as caught:
            SageMakerRunner.check_args(offered)
        told = [line.partition(":")[0] for line in caught.value.message.splitlines()]
        assert told == ["resource_args.RoleArn", "resource_args.OutputDataConfig.S3OutputPath"]
        offered |= {"RoleArn": "train", "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"}}
        SageMakerRunner.check_args(offered)

    async def test_logs_are_bytes_as_they_were_printed(
        self, runner: Runner, workload: AnyWorkload
    ) -> None:
        """As far as they are lines of text with something in them."""
        run = await self.submitted(runner, self.shell(workload, r"printf 'a\r\n\nb \033[0m  end'"))
        assert await self.output(run) == b"a\r\nb \x1b[0m  end\n"
        await self.closed(run)
