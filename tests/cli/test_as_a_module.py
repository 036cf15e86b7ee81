"""`python -m launchkit`, typed where somebody's code is: no module of that code is imported."""

import os
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from waiting import PATIENCE

HOSTILE = """
open({begun!r}, "a").write(__name__ + chr(10))
raise SystemExit("a module of the code was imported")
"""
OURS = "launchkit"


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """What the modules of the code write to when they are imported."""
    return tmp_path / "begun"


@pytest.fixture
def code(tmp_path: Path, begun: Path) -> Path:
    """A directory with a module of each name that there is, half of them packages, and with a
    plugin and a command.
    """
    folder = tmp_path / "code"
    folder.mkdir()
    names = {*sys.stdlib_module_names, *packages_distributions(), "sitecustomize", "usercustomize"}
    for at, name in enumerate(sorted(name for name in names if not name.startswith(OURS))):
        file = folder / (f"{name}.py" if at % 2 else f"{name}/__init__.py")
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(HOSTILE.format(begun=str(begun)))
    (folder / "greeter.py").write_text(HOSTILE.format(begun=str(begun)))
    info = folder / "greeter-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: greeter\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[launchkit]\ngreeter = greeter\n")
    return folder


def test_no_module_is_taken_from_where_somebody_stands(
    code: Path, begun: Path, tmp_path: Path
) -> None:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env |= {"LAUNCHKIT_BACKEND": f"sqlite:///{tmp_path}/queue.db", "HOME": str(tmp_path)}

    def said(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", OURS, *words],
            cwd=code,
            env=env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert not begun.exists(), begun.read_text()
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "greeter" not in said("plugins")
    said("queue", "create", "q", "-r", "local-process")
    launch = said("launch", "-q", "q", "-u", ".", "-E", "/bin/echo done", "-o", "name").strip()
    said("agent", "-q", "q", "-j", "-1", "--exit-when-idle")
    assert said("logs", launch) == "done\n"
