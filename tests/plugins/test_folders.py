"""What the folder of each plugin in this repository holds."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PLUGINS = sorted(file.parent for file in ROOT.glob("plugins/*/pyproject.toml"))
OWN = {
    "mypy": {"mypy_path", "packages", "overrides"},
    "pytest.ini_options": {"testpaths", "pythonpath"},
}
"""The settings of a tool that are a project's own; all others are rules for all."""

each_plugin = pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)


def pyproject(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text())


def rules(folder: Path, tool: str) -> dict[str, Any]:
    settings = pyproject(folder)["tool"]
    for name in tool.split("."):
        settings = settings[name]
    return {key: value for key, value in settings.items() if key not in OWN[tool]}


def needs(folder: Path) -> Iterator[str]:
    """The distributions that a project names."""
    made = pyproject(folder)
    project = made["project"]
    lists = [made["build-system"]["requires"], project["dependencies"]]
    lists += project.get("optional-dependencies", {}).values()
    lists += made.get("dependency-groups", {}).values()
    for requirement in (each for some in lists for each in some if isinstance(each, str)):
        yield canonicalize_name(Requirement(requirement).name)


def test_there_are_plugins() -> None:
    assert PLUGINS


@pytest.mark.parametrize("name", ["pyproject.toml", "noxfile.py"])
@each_plugin
def test_no_setting_of_the_root_names_a_plugin(name: str, plugin: Path) -> None:
    word = re.escape(plugin.name)
    assert re.findall(rf"plugins.{word}|launchkit[-_]{word}", (ROOT / name).read_text()) == []


@each_plugin
def test_it_is_called_as_its_folder(plugin: Path) -> None:
    project = pyproject(plugin)["project"]
    package = f"launchkit_{plugin.name}"
    assert project["name"] == f"launchkit-{plugin.name}"
    assert package in project["entry-points"]["launchkit"].values()
    assert (plugin / package / "py.typed").exists()
    assert (plugin / "README.md").exists()


@pytest.mark.parametrize("tool", OWN)
@each_plugin
def test_the_same_rules_hold_as_for_the_core(tool: str, plugin: Path) -> None:
    assert rules(plugin, tool) == rules(ROOT, tool)


@pytest.mark.parametrize(
    "project", [ROOT, *PLUGINS], ids=["core", *(each.name for each in PLUGINS)]
)
def test_what_it_needs_is_pinned(project: Path) -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {canonicalize_name(line.partition("==")[0]) for line in lines}
    assert {*needs(project)} - pinned - {"launchkit"} == set()
