"""The runner `gcp-vertex` keeps to the contract of runners."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from launchkit_gcp.vertex.runner import VertexRunner

from launchkit.abc import Runner, Site
from launchkit.errors import Rejected
from launchkit.testing import RunnerContract, started
from launchkit.testing import Workload as AnyWorkload

from .fake import FakeVertex
from .making import Trainings, runner


class TestVertexRunner(RunnerContract):
    has_last_chance = True
    keeps_bytes, gives_lines = False, True  # Cloud Logging has lines of text

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
