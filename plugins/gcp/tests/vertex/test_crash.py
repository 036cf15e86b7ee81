"""Custom jobs whose agents are killed at each request to Google Cloud."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from launchkit_gcp.vertex.runner import VertexRunner
from sampling import EACH_NTH

from launchkit.abc import Site
from launchkit.testing import RunnerCrashContract, started

from .fake import FakeVertex
from .grpc_way import Project
from .making import Trainings, runner


class TestVertexCrash(RunnerCrashContract):
    each_nth = EACH_NTH
    patience = 120.0  # each life imports a large library

    @pytest.fixture
    async def runner(self, site: Site, fake: FakeVertex) -> AsyncIterator[VertexRunner]:
        async with started(runner(fake), site) as made:
            yield made

    @pytest.fixture
    def workload(self, fake: FakeVertex, tmp_path: Path) -> Trainings:
        return Trainings(fake, tmp_path)

    @pytest.fixture
    def counterpart(self, fake: FakeVertex) -> Project:
        return Project(fake.grpc_host, fake.http_host)
