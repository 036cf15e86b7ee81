"""Whatever a user can meet by name stands on its page of the reference."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import click
import pytest
from pydantic import BaseModel

import launchkit
from launchkit import errors, hookspecs
from launchkit.builtin.local_process.args import LimitArgs, QueueArgs
from launchkit.cli import cli
from launchkit.cli.failures import MEANINGS
from launchkit.cli.launch_file import LaunchFile, OverridesPart
from launchkit.model import Event, ItemState, Priority, RunState, Variable
from launchkit.plugins import BUILT_IN
from launchkit.settings import AgentSettings
from launchkit.settings.schema import BuilderBlock, EnvironmentBlock, RegistryBlock
from launchkit.settings.sources import VARIABLES
from launchkit.steps.policy import Policy

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PACKAGE = Path(launchkit.__file__).parent


def keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def fields(*classes: type) -> list[str]:
    return [name for cls in classes for name in inspect.get_annotations(cls)
            if not name.startswith("_")]  # fmt: skip


def error_classes(root: type[errors.LaunchkitError]) -> Iterator[type[errors.LaunchkitError]]:
    yield root
    for cls in root.__subclasses__():
        if cls.__module__.startswith("launchkit."):
            yield from error_classes(cls)


def verdict_codes() -> set[str]:
    """The texts that the source gives to `code` of a `Verdict`, also by a variable."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Verdict":
                found |= {text for k in node.keywords if k.arg == "code" for text in texts(k.value)}
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code":
                found |= {*texts(node.value)} - {"code"}
    return found


def texts(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value


def commands(group: click.Group, prefix: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{prefix} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix} {name}")


ERRORS = [*error_classes(errors.LaunchkitError)]

PAGES = {
    "settings": [*keys(AgentSettings), *fields(Policy), *keys(EnvironmentBlock),
                 *keys(RegistryBlock), *keys(BuilderBlock), *VARIABLES],
    "states": [*ItemState, *RunState, *get_args(inspect.get_annotations(Event)["kind"]),
               *(level.name.lower() for level in Priority)],
    "errors": [*verdict_codes(), *(cls.code for cls in ERRORS), *(cls.__name__ for cls in ERRORS)],
    "local-process": [*fields(QueueArgs), *(f"limits.{name}" for name in fields(LimitArgs))],
    "templates-and-macros": [*fields(Variable), "${image_uri}"],
    "launch-spec": [*fields(LaunchFile), *fields(OverridesPart)],
    "plugins": [*(name for name in vars(hookspecs) if name.startswith("launchkit_")), *BUILT_IN],
    "cli": [name for name, _ in commands(cli, "launchkit")],
}  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_the_reference_names_everything(page: str) -> None:
    text = (REFERENCE / f"{page}.md").read_text()
    words = {word.strip("`,.()") for word in text.replace("`", " ` ").split()}
    missing = [name for name in PAGES[page] if f"{name}" not in words and f"`{name}" not in text]
    assert not missing


def test_the_errors_page_names_each_exit_code() -> None:
    text = (REFERENCE / "errors.md").read_text()
    assert [code for code in MEANINGS if f"\n| {code} | " not in text] == []
