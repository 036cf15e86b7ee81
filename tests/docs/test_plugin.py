"""The plugin that the documentation shows is one: as a wheel, in an environment of its own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from niceness import nicer_by

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "docs" / "examples" / "plugin"
PAGE = ROOT / "docs" / "how-to" / "write-a-runner.md"
FENCE = re.compile(r"^```\w+ file=(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN = dict(FENCE.findall(PAGE.read_text()))


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment with launchkit and the plugin, both from wheels."""
    place = tmp_path_factory.mktemp("fresh")
    for source in (ROOT, SOURCE):
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", place, cwd=source)
    run(sys.executable, "-m", "venv", place / "venv", cwd=place)
    install = [place / "venv" / "bin" / "pip", "install", "-q", "-c", ROOT / "constraints.txt"]
    run(*install, *place.glob("*.whl"), "pytest", cwd=place)
    return place / "venv" / "bin"


def test_the_page_shows_the_files_of_the_plugin() -> None:
    files = {path.name: path.read_text() for path in SOURCE.iterdir() if path.is_file()}
    assert SHOWN.items() >= files.items()


def test_the_runner_has_at_most_sixty_lines_of_code() -> None:
    code = SHOWN["launchkit_background.py"].partition("\n\n\nclass ")[2]
    lines = [line.strip() for line in code.splitlines()]
    assert len([line for line in lines if line and not line.startswith(("#", '"""'))]) <= 60


def test_launchkit_finds_the_plugin(programs: Path, tmp_path: Path) -> None:
    found = run(programs / "launchkit", "plugins", cwd=tmp_path)
    assert re.search(r"background +1\.0 +launchkit-background +runner background", found), found


def test_the_plugin_keeps_to_the_contract(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "test_background.py").write_text(SHOWN["test_background.py"])
    told = run(
        programs / "pytest", "-q", "-o", "anyio_mode=auto", "test_background.py", cwd=tmp_path
    )
    assert re.search(r"\b\d\d passed, 2 skipped\b", told), told


def test_an_agent_runs_a_job_with_the_plugin(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAUNCHKIT_BACKEND", f"sqlite:///{tmp_path}/queue.db")
    monkeypatch.setenv("LAUNCHKIT_CONFIG", str(tmp_path / "launch-config.yaml"))
    (tmp_path / "launch-config.yaml").write_text(SHOWN["launch-config.yaml"])
    launchkit = programs / "launchkit"
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "run.py").write_text("import os; print('niceness', os.nice(0))\n")
    run(launchkit, "queue", "create", "night", "--resource", "background", cwd=tmp_path)
    command = ["--name", "first", "-q", "night", "-u", "code", "-E", "python3 run.py"]
    run(launchkit, "launch", *command, cwd=tmp_path)
    run(launchkit, "agent", "--exit-when-idle", cwd=tmp_path)
    run(launchkit, "wait", "first", cwd=tmp_path)
    assert run(launchkit, "logs", "first", cwd=tmp_path) == f"niceness {nicer_by(10)}\n"
