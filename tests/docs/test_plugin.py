"""The plugins that the documentation shows are some: as wheels, in an environment of their own."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from shutil import copy

import pytest
from niceness import nicer_by
from waiting import until

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "docs" / "examples" / "plugin"
JOBD = ROOT / "docs" / "examples" / "jobd"
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
    """The programs of a new environment with launchkit and the plugins, all from wheels."""
    place = tmp_path_factory.mktemp("fresh")
    for source in (ROOT, SOURCE, JOBD):
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", place, cwd=source)
    run(sys.executable, "-m", "venv", place / "venv", cwd=place)
    install = [place / "venv" / "bin" / "pip", "install", "-q", "-c", ROOT / "constraints.txt"]
    run(*install, *place.glob("*.whl"), "pytest", cwd=place)
    return place / "venv" / "bin"


def test_the_page_shows_the_files_of_the_plugin() -> None:
    files = {path.name: path.read_text() for path in SOURCE.iterdir() if path.is_file()}
    assert SHOWN.items() >= files.items()
    runner = "launchkit_jobd/__init__.py"
    assert SHOWN[runner] == (JOBD / runner).read_text()


def test_the_page_leads_to_each_file_of_the_runner_for_a_service_that_it_does_not_show() -> None:
    linked = {
        (PAGE.parent / link).resolve() for link in re.findall(r"\]\(([^)#]+)", PAGE.read_text())
    }
    files = {path for path in JOBD.rglob("*") if path.suffix in {".py", ".toml"}}
    assert len(files) > 3
    assert files - linked == {JOBD / "launchkit_jobd" / "__init__.py"}


def test_the_runner_has_at_most_sixty_lines_of_code() -> None:
    code = SHOWN["launchkit_background.py"].partition("\n\n\nclass ")[2]
    lines = [line.strip() for line in code.splitlines()]
    assert len([line for line in lines if line and not line.startswith(("#", '"""'))]) <= 60


def test_launchkit_finds_the_plugin(programs: Path, tmp_path: Path) -> None:
    found = run(programs / "launchkit", "plugins", cwd=tmp_path)
    assert re.search(r"background +1\.0 +launchkit-background +runner background", found), found
    assert re.search(r"jobd +1\.0 +launchkit-jobd +runner jobd", found), found


def test_the_plugin_keeps_to_the_contract(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "test_background.py").write_text(SHOWN["test_background.py"])
    told = run(
        programs / "pytest", "-q", "-o", "anyio_mode=auto", "test_background.py", cwd=tmp_path
    )
    assert re.search(r"\b\d\d passed, 15 skipped\b", told), told


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


def test_the_runner_for_a_service_keeps_to_the_contract(programs: Path, tmp_path: Path) -> None:
    for name in ("jobd.py", "test_jobd.py"):
        copy(JOBD / name, tmp_path)
    told = run(programs / "pytest", "-q", "-o", "anyio_mode=auto", "test_jobd.py", cwd=tmp_path)
    assert re.search(r"\b\d\d passed(, \d+ skipped)? in", told), told


@pytest.fixture
def jobd(programs: Path) -> Iterator[str]:
    """Where a jobd listens that is a program."""
    command = [programs / "python", JOBD / "jobd.py", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout
        yield service.stdout.readline().split()[-1]
        service.terminate()


@pytest.fixture
def launchkit(
    programs: Path, tmp_path: Path, jobd: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """Runs the program where an agent finds the jobd."""
    monkeypatch.setenv("LAUNCHKIT_BACKEND", f"sqlite:///{tmp_path}/queue.db")
    monkeypatch.setenv("LAUNCHKIT_CONFIG", str(tmp_path / "jobd.yaml"))
    config = SHOWN["jobd.yaml"].replace("127.0.0.1:8080", jobd)
    (tmp_path / "jobd.yaml").write_text(f"{config}builder: {{type: noop}}\n")
    return partial(run, programs / "launchkit", cwd=tmp_path)


async def test_a_job_of_an_agent_that_is_killed_is_the_next_ones(
    launchkit: Callable[..., str], programs: Path, tmp_path: Path
) -> None:
    begun, gate = tmp_path / "begun", tmp_path / "gate"
    script = f"echo first; touch {begun}; while [ ! -e {gate} ]; do sleep 0.1; done; echo last"
    launchkit("config", "check")
    launchkit("queue", "create", "night", "--resource", "jobd")
    launchkit("launch", "--name", "first", "-q", "night", "-d", "img", "-E", f"sh -c '{script}'")
    with subprocess.Popen([programs / "launchkit", "agent"], stderr=subprocess.DEVNULL) as agent:
        await until(begun.exists)
        agent.kill()
    gate.touch()
    launchkit("agent", "--exit-when-idle")
    launchkit("wait", "first")
    assert launchkit("logs", "first") == "first\nlast\n"
