"""A new plugin costs one folder: nox's sessions find it, in a copy of the repository."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pytest
from waiting import PATIENCE

ROOT = Path(__file__).parents[2]
FILES: Mapping[str, str] = {
    "launchkit_other/__init__.py": '"""A plugin that is made up."""\n',
    "launchkit_other/greeting.py": '''\
"""What it does."""

from launchkit.errors import ConfigError


def greeting(name: str) -> str:
    """A greeting. :raises ConfigError: if there is nobody."""
    if not name:
        raise ConfigError("nobody is there")
    return f"hello {name}"
''',
    "tests/conftest.py": '''\
"""What all tests share, also those of plugins."""

import pytest
from surroundings import _own_home, anyio_backend

__all__ = ["_own_home", "anyio_backend"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", "ignore:an old call:DeprecationWarning")
''',
    "tests/workshop.py": '"""Has the name of a module of another plugin."""\n\nNAME = "other"\n',
    "tests/test_names.py": '''\
"""Has the name of another plugin's tests, too."""

import warnings

from launchkit_other.greeting import greeting
from waiting import PATIENCE

from .workshop import NAME


async def test_what_stands_beside_a_test_is_its_own() -> None:
    assert PATIENCE
    warnings.warn("an old call", DeprecationWarning, stacklevel=1)
    assert greeting(NAME) == "hello other"
''',
}
"""The plugin's folder but for its pyproject.toml, which is Docker's under another name."""
ALONE = ("-n", "0")
"""In one process: to start more of them takes longer than the tests."""
Run: TypeAlias = "Callable[..., subprocess.CompletedProcess[str]]"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository with one folder more, and with what is known of its types: to find all that
    again takes long.
    """
    copy = tmp_path_factory.mktemp("copy") / "launchkit"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__", "*.log"))
    if (known := ROOT / ".mypy_cache").exists():
        shutil.copytree(known, copy / known.name)
    other = copy / "plugins" / "other"
    for name, text in FILES.items():
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).write_text(text)
    pyproject = (copy / "plugins" / "docker" / "pyproject.toml").read_text()
    (other / "pyproject.toml").write_text(pyproject.replace("docker", "other"))
    return copy


@pytest.fixture(scope="module")
def run(copy: Path) -> Run:
    """Runs a program in the copy, which comes before what is installed."""
    packages = (copy, *(copy / "plugins").iterdir())
    env = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": ":".join(map(str, packages)),
    }

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=copy, env=env, capture_output=True, text=True, timeout=PATIENCE,
            check=False,
        )  # fmt: skip

    return run


@pytest.fixture(scope="module")
def nox(run: Run) -> Run:
    """Runs a session without an environment of its own: with what is installed here."""
    return partial(run, "nox", "--no-venv", "--no-install", "--nocolor", "--session")


@contextmanager
def added(copy: Path, line: str) -> Iterator[None]:
    """The plugin with a line more."""
    file = copy / "plugins" / "other" / "launchkit_other" / "greeting.py"
    before = file.read_text()
    file.write_text(f"{before}\n\n{line}\n")
    yield
    file.write_text(before)


def test_its_tests_run_beside_those_of_another_plugin_with_the_same_names(nox: Run) -> None:
    done = nox("tests", "--", "plugins", "-v", *ALONE, "-k", "stands_beside_a_test")
    assert done.returncode == 0, done.stdout  # the modules of all plugins have been imported, too
    assert re.search(r"plugins/other/tests/test_names.py::.* PASSED", done.stdout)
    assert re.search(r"1 passed, \d{3,} deselected", done.stdout)


def test_its_tests_run_in_its_folder(nox: Run, copy: Path) -> None:
    done = nox("tests", "--", "plugins/other", *ALONE)
    assert done.returncode == 0, done.stdout
    assert "rootdir: " + str(copy / "plugins" / "other") in done.stdout


SHAKY = """\
from pathlib import Path

import pytest

PLACE = Path(__file__).parent


@pytest.mark.parametrize("number", range({many}))
def test_that_fails_at_first(number: int) -> None:
    mark = PLACE / f"mark-{{number}}"
    tried = mark.exists()
    mark.touch()
    assert tried and {well}
"""


@pytest.fixture
def shaky(copy: Path) -> Iterator[Callable[..., None]]:
    """Gives the plugin some tests that fail when they run for the first time."""
    tests = copy / "plugins" / "other" / "tests"

    def shaky(many: int, well: bool = True) -> None:
        (tests / "test_shaky.py").write_text(SHAKY.format(many=many, well=well))

    yield shaky
    for path in (*tests.glob("mark-*"), tests / "test_shaky.py"):
        path.unlink()


def test_a_few_tests_that_fail_run_once_more_alone(nox: Run, shaky: Callable[..., None]) -> None:
    shaky(2)
    done = nox("tests", "--", "plugins/other", "-n", "1")  # beside, as they are
    assert done.returncode == 0, done.stdout
    assert "2 failed, 1 passed" in done.stdout
    assert re.search(r"passed only when they ran alone.* tests/test_shaky.py::", done.stderr)


@pytest.mark.parametrize(("many", "well"), [(1, False), (6, True)])
def test_what_fails_again_or_is_not_alone_in_that_is_not_forgiven(
    nox: Run, shaky: Callable[..., None], many: int, well: bool
) -> None:
    shaky(many, well)
    assert nox("tests", "--", "plugins/other", *ALONE).returncode == 1


def test_its_imports_are_looked_at(nox: Run, copy: Path) -> None:
    with added(copy, "import launchkit.store.rows  # noqa: E402, F401"):
        done = nox("lint")
    assert done.returncode != 0
    assert "launchkit_other.greeting -> launchkit.store.rows" in done.stdout


def test_its_types_are_checked(nox: Run, copy: Path) -> None:
    with added(copy, "NUMBER: int = greeting('you')"):
        done = nox("types")
    assert done.returncode != 0
    assert "plugins/other/launchkit_other/greeting.py:" in done.stdout


def test_nothing_is_said_against_it(run: Run) -> None:
    for command in (("lint-imports", "--config"), ("mypy", "--config-file")):
        done = run(*command, "plugins/other/pyproject.toml")
        assert done.returncode == 0, done.stdout + done.stderr
