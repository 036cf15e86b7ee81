"""What is in the wheels that are given to others."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
DISTRIBUTIONS = sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml"))


@pytest.mark.parametrize("source", [ROOT, *DISTRIBUTIONS], ids=lambda path: path.name)
def test_a_wheel_carries_the_licence(source: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=source, check=True, stdout=subprocess.PIPE)
    [wheel] = tmp_path.glob("*.whl")
    with ZipFile(wheel) as opened:
        licences = [name for name in opened.namelist() if ".dist-info/licenses/" in name]
        assert [opened.read(name) for name in licences] == [(ROOT / "LICENSE").read_bytes()]
