"""An account whose SageMaker answers as the real one does."""

import inspect
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from launchkit_aws.errors import soon
from launchkit_aws.sagemaker.runner import SageMakerRunner
from waiting import PATIENCE

from launchkit.testing import site_at, started

from .fake import REGION, FakeAws, fake_aws
from .making import Runners, runner


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    """The account; all of AWS is asked there."""
    with fake_aws() as account:
        monkeypatch.setenv("AWS_ENDPOINT_URL", account.url)
        monkeypatch.setenv("AWS_REGION", REGION)
        yield account


@pytest.fixture(autouse=True)
def _patient_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a check waits for begins with loading a large library, however slow the machine is."""
    monkeypatch.setattr(inspect.unwrap(soon), "__defaults__", (PATIENCE,))


@pytest.fixture
def runners(tmp_path: Path, fake: FakeAws) -> Runners:
    """Starts runners; keywords are their settings."""

    @asynccontextmanager
    async def made(**settings: Any) -> AsyncIterator[SageMakerRunner]:
        async with site_at(tmp_path / "site") as site, started(runner(**settings), site) as one:
            yield one

    return made


@pytest.fixture
async def made(runners: Runners) -> AsyncIterator[SageMakerRunner]:
    """A started runner."""
    async with runners() as one:
        yield one
