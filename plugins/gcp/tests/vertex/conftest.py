"""A project whose Vertex AI answers as the real one does."""

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from launchkit_gcp.errors import soon
from waiting import PATIENCE

from .fake import FakeVertex, fake_vertex
from .making import write_key


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, private_key: str) -> Iterator[FakeVertex]:
    """The project; there are credentials that it takes."""
    with fake_vertex() as project:
        key = tmp_path / "key.json"
        write_key(key, project, private_key)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
        yield project


@pytest.fixture(autouse=True)
def _patient_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a check waits for begins with loading a large library, however slow the machine is."""
    monkeypatch.setattr(inspect.unwrap(soon), "__defaults__", (PATIENCE,))
