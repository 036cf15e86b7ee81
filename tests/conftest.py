"""What all tests share."""

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the developer's own settings and data."""
    home = tmp_path_factory.mktemp("home")
    for name in ("LAUNCHKIT_BACKEND", "LAUNCHKIT_CONFIG", "LAUNCHKIT_ENTITY", "WANDB_ENTITY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    for name, place in (
        ("CONFIG", ".config"),
        ("DATA", "data"),
        ("STATE", "state"),
        ("CACHE", "cache"),
    ):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / place))
