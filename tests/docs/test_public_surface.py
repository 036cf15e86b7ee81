"""What is offered to authors of plugins can be imported, and nothing of it is left out."""

import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

import launchkit.aio
import launchkit.runners

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "plugins.md"
ROW = re.compile(r"^\| `(launchkit\.[\w.]+)` \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)
SECTION = PAGE.read_text().partition("## What plugins may use\n")[2].partition("\n## ")[0]
TABLE = {name: re.findall(r"`(\w+)`", names) for name, names in ROW.findall(SECTION)}
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
