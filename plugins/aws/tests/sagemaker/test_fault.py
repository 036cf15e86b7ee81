"""Training jobs where AWS does not answer as it should, now and then."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from launchkit_aws.sagemaker.runner import SageMakerRunner
from sampling import EACH_NTH

from launchkit.abc import Site
from launchkit.testing import Gateway, RunnerFaultContract, gateway, started

from .fake import FakeAws
from .making import Trainings, runner


class TestSageMakerFault(RunnerFaultContract):
    each_nth = EACH_NTH

    @pytest.fixture
    async def gateway(self, fake: FakeAws) -> AsyncIterator[Gateway]:
        async with gateway(fake.url.removeprefix("http://")) as way:
            yield way

    @pytest.fixture
    async def runner(
        self, site: Site, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> AsyncIterator[SageMakerRunner]:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{gateway.host}")
        async with started(runner(), site) as made:
            yield made

    @pytest.fixture
    def workload(self, fake: FakeAws, tmp_path: Path) -> Trainings:
        return Trainings(fake, tmp_path)
