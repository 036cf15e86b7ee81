"""Custom jobs where Google Cloud does not answer as it should, now and then."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from launchkit_gcp.vertex.runner import VertexRunner
from sampling import EACH_NTH

from launchkit.abc import Site
from launchkit.testing import Gateway, RunnerFaultContract, started

from .fake import FakeVertex
from .grpc_way import Ways, ways
from .making import Trainings, runner


class TestVertexFault(RunnerFaultContract):
    each_nth = EACH_NTH

    @pytest.fixture
    async def both(self, fake: FakeVertex) -> AsyncIterator[Ways]:
        fake.step_seconds = 0.15  # longer than between two looks: each state is seen
        async with ways(fake.grpc_host, fake.http_host) as made:
            yield made

    @pytest.fixture
    def gateway(self, both: Ways) -> Gateway:
        return both.http

    @pytest.fixture
    async def runner(self, site: Site, fake: FakeVertex, both: Ways) -> AsyncIterator[VertexRunner]:
        async with started(runner(fake, endpoint_urls=both.endpoints), site) as made:
            yield made

    @pytest.fixture
    def workload(self, fake: FakeVertex, tmp_path: Path) -> Trainings:
        return Trainings(fake, tmp_path)
