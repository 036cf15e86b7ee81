"""Whatever a user can meet by name stands on its page of the reference."""

import ast
import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeGuard, get_args

import click
import pytest
from pydantic import BaseModel

import launchkit
import launchkit.testing
from launchkit import Client, LaunchHandle, connect, errors, hookspecs
from launchkit.abc import Component, Registry, Runner
from launchkit.builtin.local_process.args import LimitArgs, QueueArgs
from launchkit.cli import cli
from launchkit.cli.failures import MEANINGS
from launchkit.cli.launch_file import LaunchFile, OverridesPart
from launchkit.client.blocking import public
from launchkit.model import Event, ItemState, Priority, RunState, Variable
from launchkit.observe.journal import IDS
from launchkit.observe.metrics import Load, Metrics
from launchkit.observe.observer import Step
from launchkit.observe.watchdog import Watchdog
from launchkit.plugins import BUILT_IN, Plugins
from launchkit.settings import AgentSettings
from launchkit.settings.components import SEAMS, policy_classes
from launchkit.settings.schema import CORE_POLICY, BuilderBlock
from launchkit.settings.sources import VARIABLES

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PACKAGE = Path(launchkit.__file__).parent


def keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def fields(cls: type[Any]) -> list[str]:
    return [field.name for field in dataclasses.fields(cls)]


def error_classes(root: type[errors.LaunchkitError]) -> Iterator[type[errors.LaunchkitError]]:
    yield root
    for cls in root.__subclasses__():
        if cls.__module__ == errors.__name__:  # others are private to their module
            yield from error_classes(cls)


def verdict_codes() -> set[str]:
    """The texts that the source gives to `code` of a `Verdict`, also by a variable `code`."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if is_verdict(node):
                found |= {text for k in node.keywords if k.arg == "code" for text in texts(k.value)}
            elif isinstance(node, ast.FunctionDef) and any(map(is_verdict, ast.walk(node))):
                given = [inner for inner in ast.walk(node) if isinstance(inner, ast.Assign)]
                named = [inner for inner in given if ast.unparse(inner.targets[0]) == "code"]
                found |= {text for inner in named for text in texts(inner.value)} - {"code"}
    return found


def is_verdict(node: ast.AST) -> TypeGuard[ast.Call]:
    match node:
        case ast.Call(func=ast.Name(id="Verdict")):
            return True
    return False


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


SHARED = {"--backend", "-e", "--entity", "--quiet", "--no-input", "-o", "--output", "-h", "--help"}
"""Options of all commands, or of all that print data; a section of their own tells of them."""


def names(cls: type) -> list[str]:
    return [name for name, _ in public(cls)]


def parameters(function: Callable[..., object]) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


def actions() -> set[str]:
    """What the source gives as `action` to log lines."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        found |= {*re.findall(r'\baction="([a-z.]+)"', path.read_text())}
    return found


def metrics() -> set[str]:
    """The names of the agent's metrics, as its page tells them."""
    page = Metrics(Watchdog((), 30), Load(used=lambda: 0, limit=1)).page().body.decode()
    told = re.findall(r"^# HELP (\w+)", page, re.MULTILINE)
    return {name for name in told if not name.endswith("_created")}


def seam_members() -> set[str]:
    """What a component may say of its kind before it is made."""
    shared = {name for name, value in vars(Component).items() if isinstance(value, classmethod)}
    told = {name for cls in (Runner, Registry) for name, value in vars(cls).items()
            if isinstance(value, classmethod)}  # fmt: skip
    return {name for name in told | shared if not name.startswith("_")} - {"setting_names"}


def own_settings() -> set[str]:
    """The settings of each kind of a block, as this repository's plugins have them."""
    classes = {cls for seam in SEAMS.values() for cls in Plugins().classes(seam).values()}
    return {name for cls in classes if not cls.unnamed for name in cls.setting_names()}


def policy_keys() -> set[str]:
    """The keys under `policy`, of the core and of this repository's runners."""
    return CORE_POLICY | {name for cls in policy_classes(Plugins()) for name in fields(cls)}


COMMANDS = dict(commands(cli, "launchkit"))

ERRORS = [*error_classes(errors.LaunchkitError)]

PAGES = {
    "settings": [*keys(AgentSettings), *keys(BuilderBlock), *VARIABLES, *own_settings(),
                 *policy_keys()],
    "states": [*ItemState, *RunState, *get_args(inspect.get_annotations(Event)["kind"]),
               *(level.name.lower() for level in Priority)],
    "errors": [*verdict_codes(), *(cls.code for cls in ERRORS), *(cls.__name__ for cls in ERRORS)],
    "local-process": [*fields(QueueArgs), *(f"limits.{name}" for name in fields(LimitArgs))],
    "templates-and-macros": [*fields(Variable), "${image_uri}"],
    "launch-spec": [*fields(LaunchFile), *fields(OverridesPart)],
    "python-api": [*launchkit.__all__, *names(Client), *names(LaunchHandle),
                   *parameters(connect), *parameters(Client.launch)],
    "testing": launchkit.testing.__all__,
    "observability": [*actions(), *metrics(), *IDS, *get_args(Step)],
    "plugins": [*(name for name in vars(hookspecs) if name.startswith("launchkit_")), *BUILT_IN,
                *seam_members()],
}  # fmt: skip


def named(text: str) -> set[str]:
    """The words in code spans, and the parts of dotted ones; those with dashes also with
    underscores.
    """
    words = {
        word for span in re.findall(r"`([^`\n]+)`", text) for word in re.split(r"[ (,)]+", span)
    }
    words |= {part for word in words for part in word.split(".")}
    return words | {word.replace("-", "_") for word in words}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_the_reference_names_everything(page: str) -> None:
    assert {*map(str, PAGES[page])} - named((REFERENCE / f"{page}.md").read_text()) == set()


def test_the_errors_page_names_each_exit_code() -> None:
    text = (REFERENCE / "errors.md").read_text()
    assert [code for code in MEANINGS if f"\n| {code} | " not in text] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_of_the_command_line_has_each_command_with_its_options(name: str) -> None:
    sections = re.split(r"^##+ ", (REFERENCE / "cli.md").read_text(), flags=re.MULTILINE)
    section = next((text for text in sections if text.split("\n")[0] == f"`{name}`"), None)
    assert section is not None, f"there is no section for {name}"
    options = [param for param in COMMANDS[name].params if isinstance(param, click.Option)]
    wanted = {word for option in options if not option.hidden
              for word in (*option.opts, *option.secondary_opts)}  # fmt: skip
    assert wanted - SHARED - named(section) == set()


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "plugins/README.md"])
def test_links_into_the_documentation_lead_somewhere(name: str) -> None:
    page = REFERENCE.parents[1] / name
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
