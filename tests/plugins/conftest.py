"""Distributions with entry points, put on the path of a real interpreter's search."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a distribution `launchkit-NAME` with one module, which its entry point names."""
    monkeypatch.syspath_prepend(str(tmp_path))

    made = []

    def make(name: str, code: str) -> None:
        made.append(f"launchkit_{name}")
        (tmp_path / f"launchkit_{name}.py").write_text(code)
        info = tmp_path / f"launchkit_{name}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: launchkit-{name}\nVersion: 1.2\n"
        )
        (info / "entry_points.txt").write_text(f"[launchkit]\n{name} = launchkit_{name}\n")

    yield make
    for name in made:
        sys.modules.pop(name, None)
