"""An account whose SageMaker answers as the real one does."""

import inspect
from collections.abc import Iterator

import pytest
from launchkit_aws.errors import soon
from waiting import PATIENCE

from .fake import REGION, FakeAws, fake_aws


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
