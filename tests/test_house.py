"""The house: public names, what an import costs, and files that must agree with each other."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import launchkit

ROOT = Path(__file__).parents[1]
HEAVY = ("pydantic", "sqlite3", "click", "rich", "httpx", "yaml", "pluggy", "anyio", "asyncio")


ASKING = {"Client", "AsyncClient", "get", "put", "post", "delete", "head", "request", "stream"}
CLIENTS = ("httpx", "aiohttp", "aiodocker", "asyncpg")
"""What plugins need only when they are used."""


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import launchkit", HEAVY),
        ("from launchkit.plugins import Plugins; Plugins()", CLIENTS),
    ],
)
def test_what_is_heavy_is_loaded_only_when_it_is_needed(code: str, absent: tuple[str, ...]) -> None:
    program = f"import sys; {code}; print('\\n'.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert "launchkit" in loaded
    assert not {name.partition(".")[0] for name in loaded} & {*absent}


@pytest.mark.parametrize("name", launchkit.__all__)
def test_a_public_name_can_be_had(name: str) -> None:
    assert getattr(launchkit, name) is not None


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        launchkit.nothing  # noqa: B018 - the access is what is tested


def test_the_version_is_the_one_of_the_distribution() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert launchkit.__version__ == project["version"]


def test_the_changelog_tells_of_this_version() -> None:
    assert f"## [{launchkit.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_each_distribution_is_pinned_by_name_and_version_alone() -> None:
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[\w.]+( ; [\w\s.'=<>!]+)?", line), line


def test_continuous_integration_runs_the_test_command_of_the_readme() -> None:
    last = (ROOT / ".ci" / "run").read_text().splitlines()[-1]
    assert f"\n{last}\n" in (ROOT / "README.md").read_text()
    assert last.endswith(".venv/bin/nox")


def test_no_part_of_a_package_is_hidden_by_what_git_ignores() -> None:
    """It would be in no commit and in no wheel, and no tool would look at it."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git repository")
    places = ("launchkit", "tests", "docs", "plugins/*/launchkit_*", "plugins/*/tests")
    files = [file for place in places for file in ROOT.glob(f"{place}/**/*.py")]
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin"],
        cwd=ROOT,
        input="\n".join(map(str, files)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert files
    assert (done.stdout, done.stderr) == ("", "")


def test_each_assertion_of_a_contract_suite_says_which_promise_is_broken() -> None:
    files = [*(ROOT / "launchkit" / "testing" / "contracts").rglob("*.py")]
    assert files
    mute = [
        f"{file.name}:{node.lineno}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if (isinstance(node, ast.Assert) and node.msg is None)
        or (isinstance(node, ast.Attribute) and ast.unparse(node) == "pytest.raises")
    ]
    assert mute == []


def asks_of_httpx(path: Path) -> Iterator[ast.Call]:
    """Where a file makes a client or a request with httpx itself."""
    for node in ast.walk(ast.parse(path.read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and (node.func.value.id, node.func.attr in ASKING) == ("httpx", True)
        ):
            yield node


def test_no_test_gives_a_server_up_after_the_five_seconds_of_httpx() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for folder in (ROOT / "tests", *ROOT.glob("plugins/*/tests"))
        for path in folder.rglob("*.py")
        for call in asks_of_httpx(path)
        if not {word.arg for word in call.keywords} & {"timeout", None}
    ]
    assert found == [], "on a busy machine it takes longer: pass timeout=PATIENCE"
