"""What all tests of the plugin share."""

import os

import pytest
from surroundings import _own_home, anyio_backend, docker_engine, python_image

__all__ = ["_own_home", "anyio_backend", "docker_engine", "python_image"]


@pytest.fixture(autouse=True)
def _own_google(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the developer's credentials, or asks the machine's metadata address."""
    for name in [name for name in os.environ if name.startswith(("GOOGLE_", "CLOUDSDK_", "GCE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_GCE_CHECK", "true")
