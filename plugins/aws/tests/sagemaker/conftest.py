"""An account whose SageMaker answers as the real one does."""

from collections.abc import Iterator

import pytest

from .fake import REGION, FakeAws, fake_aws


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    """The account; all of AWS is asked there."""
    with fake_aws() as account:
        monkeypatch.setenv("AWS_ENDPOINT_URL", account.url)
        monkeypatch.setenv("AWS_REGION", REGION)
        yield account
