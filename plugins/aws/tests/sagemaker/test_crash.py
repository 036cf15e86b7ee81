"""Training jobs whose agents are killed at each request to AWS."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from launchkit_aws.sagemaker.runner import SageMakerRunner
from sampling import EACH_NTH

from launchkit.abc import Site
from launchkit.testing import RunnerCrashContract, Server, started

from .fake import REGION, FakeAws
from .making import Trainings, runner


class TestSageMakerCrash(RunnerCrashContract):
    each_nth = EACH_NTH
    patience = 120.0  # each life imports a large library

    @pytest.fixture
    async def runner(self, site: Site, fake: FakeAws) -> AsyncIterator[SageMakerRunner]:
        async with started(runner(), site) as made:
            yield made

    @pytest.fixture
    def workload(self, fake: FakeAws, tmp_path: Path) -> Trainings:
        return Trainings(fake, tmp_path)

    @pytest.fixture
    def counterpart(self, fake: FakeAws) -> Server:
        env = {"AWS_ENDPOINT_URL": "http://{host}", "AWS_REGION": REGION}
        return Server(fake.url.removeprefix("http://"), env=env)
