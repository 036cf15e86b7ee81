"""What is offered to authors of plugins can be imported, and nothing of it is left out."""

import re
import tomllib
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

import launchkit.aio
import launchkit.runners

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "plugins.md"
ROW = re.compile(r"^\| `(launchkit(?:\.\w+)*)` \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)
TABLE = {name: re.findall(r"`(\w+)`", names) for name, names in ROW.findall(PAGE.read_text())}
PACKAGES = (launchkit.aio, launchkit.runners)
MODULES = [
    f"{package.__name__}.{module.name}"
    for package in PACKAGES
    for module in iter_modules(package.__path__)
]


@pytest.mark.parametrize("name", TABLE)
def test_what_the_page_names_can_be_imported(name: str) -> None:
    module = import_module(name)
    assert TABLE[name]
    assert [each for each in TABLE[name] if not hasattr(module, each)] == []


@pytest.mark.parametrize("name", MODULES)
def test_each_module_stands_on_the_page_and_in_its_package(name: str) -> None:
    assert name in TABLE
    package = import_module(name.rpartition(".")[0])
    line = re.search(rf"- `{name}`: (.+?): ", str(package.__doc__))
    assert line is not None
    told = re.findall(r"`(\w+)`", line[1])
    assert told
    assert {*told} <= {*TABLE[name]}


DOORS = {"server"}
"""What offers no component: it opens the queue itself to others, and uses what that needs."""
FILES = sorted(PAGE.parents[2].glob("plugins/*/pyproject.toml"))
PLUGINS = [file for file in FILES if file.parent.name not in DOORS]


@pytest.mark.parametrize("file", PLUGINS, ids=lambda file: str(file.parent.name))
def test_a_plugin_may_import_what_the_page_lists_and_nothing_else(file: Path) -> None:
    package = f"launchkit_{file.parent.name}"
    contracts = tomllib.loads(file.read_text())["tool"]["importlinter"]["contracts"]
    (contract,) = (one for one in contracts if one["source_modules"] == [package])
    assert contract["forbidden_modules"] == ["launchkit"]
    assert {line.split(" -> ")[1] for line in contract["ignore_imports"]} == {*TABLE}


EXAMPLES = sorted(
    {*PAGE.parents[1].glob("examples/*/launchkit_*.py")}
    | {*PAGE.parents[1].glob("examples/*/launchkit_*/*.py")}
)
IMPORT = re.compile(r"^ *(?:from|import) (launchkit(?:\.\w+)*)", re.MULTILINE)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: str(file.name))
def test_the_examples_of_plugins_import_no_more(file: Path) -> None:
    assert {*IMPORT.findall(file.read_text())} <= {*TABLE, "launchkit"}
