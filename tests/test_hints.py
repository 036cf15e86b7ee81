"""Of a command that a message or a hint offers, each foreign word goes through the one door."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import launchkit
from launchkit.cli import COMMANDS

SOURCE = Path(launchkit.__file__).parent
FOLDERS = (SOURCE, *sorted(SOURCE.parent.glob("plugins/*/launchkit_*")))
DOORS = {"shell_argument", "shell_command", "shell_join", "shell_word"}
PROGRAMS = (
    rf"launchkit (?:{'|'.join([*COMMANDS, 'server'])})|chmod|chown|rm|mv|pip install|az [a-z]+"
    r"|git (?:clone|config|push|rev-parse)|docker (?:login|pull|push|rm|volume)"
    r"|gcloud [a-z]+|aws [a-z0-9]+|kubectl [a-z]+|ulimit|systemctl|sysctl|createdb|psql"
    r"|echo|find|kill|python|sudo"
)
COMMAND = re.compile(
    rf"(?:^|[\s:;`(])(?:{PROGRAMS})(?:\s[^;\n`]*|[ =])\Z|\s--?[A-Za-z][\w-]*[ =]\Z"
)
"""A text up to a word of a command."""
OF_NEXT = re.compile(r"[a-z]")
"""The same of what `say_next` tells, where `launchkit` stands before it."""
NO_COMMANDS = {"images/dockerfile.py": "what an image is made by", "cli/options.py": "say_next"}


def texts(tree: ast.AST) -> Iterator[tuple[list[ast.expr], re.Pattern[str]]]:
    """The parts of each text that is put together: of f-strings and of sums."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.values, COMMAND
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            yield [node.left, node.right], COMMAND
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "say_next":
            said = (one for arg in node.args for one in ast.walk(arg))
            yield from ((one.values, OF_NEXT) for one in said if isinstance(one, ast.JoinedStr))


def unguarded(
    parts: list[ast.expr], command: re.Pattern[str], safe: set[str]
) -> Iterator[ast.expr]:
    """The words of commands that come from somewhere, and not through the door; *safe* are names
    of what came through it.
    """
    said = ""
    for part in parts:
        if isinstance(part, ast.Constant):
            said += str(part.value)
            continue
        if command.search(said) and not is_safe(part, safe):
            yield part
        said += "…"


def texts_of_paths(tree: ast.AST) -> Iterator[ast.expr]:
    """What the door is given as a text although it may be a path, which it keeps from being an
    option.
    """
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    words = (arg for call in calls if ast.unparse(call.func) in DOORS for arg in call.args)
    yield from (
        word
        for word in words
        if any(isinstance(part, ast.Name) and part.id == "str" for part in ast.walk(word))
    )


def is_safe(value: ast.expr, safe: set[str]) -> bool:
    """Whether it is a constant, a number, something that is shown in quotes, or what the door
    gives.
    """
    if isinstance(value, ast.FormattedValue):
        of_number = value.format_spec is not None and ast.unparse(value.format_spec) == "f'd'"
        return of_number or value.conversion != -1 or is_safe(value.value, safe)
    if isinstance(value, ast.Name):
        return value.id.isupper() or value.id in safe
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and value.func.id in DOORS
    if isinstance(value, ast.IfExp):
        return is_safe(value.body, safe) and is_safe(value.orelse, safe)
    return isinstance(value, ast.Constant)


def safe_names(tree: ast.AST) -> set[str]:
    """Those to which nothing is assigned in the file but what the door gives, and constants."""
    names = dict[str, bool]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            names[name] = names.get(name, True) and is_safe(node.value, set())
        elif isinstance(node, ast.arg):
            names[node.arg] = False
    return {name for name, is_so in names.items() if is_so}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_each_word_of_a_command_to_be_typed_goes_through_the_door(folder: Path) -> None:
    files = {file: ast.parse(file.read_text()) for file in sorted(folder.rglob("*.py"))}
    found = [
        f"{file.relative_to(folder)}:{value.lineno}: {ast.unparse(value)}"
        for file, tree in files.items()
        if str(file.relative_to(folder)) not in NO_COMMANDS
        for parts, command in texts(tree)
        for value in unguarded(parts, command, safe_names(tree))
    ]
    assert found == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_path_in_a_command_to_be_typed_is_known_as_one(folder: Path) -> None:
    files = {file: ast.parse(file.read_text()) for file in sorted(folder.rglob("*.py"))}
    found = [
        f"{file.relative_to(folder)}:{word.lineno}: {ast.unparse(word)}"
        for file, tree in files.items()
        for word in texts_of_paths(tree)
    ]
    assert found == []


@pytest.mark.parametrize("line", ["shell_word(str(path))", "shell_join(map(str, paths))"])
def test_a_path_that_is_made_a_text_is_found(line: str) -> None:
    assert [*texts_of_paths(ast.parse(line))]


@pytest.mark.parametrize(
    "line",
    [
        'hint = f"change it: launchkit queue edit {name}"',
        'hint = f"launchkit stop {shell_word(a)} {b}"',
        'hint = "a text" f" that goes on: chmod 600 {path}"',
        'hint = "see: git rev-parse " + ref',
        'hint = f"launch it: -u {place}"',
        'hint = f"run `echo {shell_word(host)} | {program} get` by hand"',
        'say_next(f"role grant {name} submitter")',
        "kind = shell_word(kind) if x else kind; hint = f'launchkit queue template {kind}'",
    ],
)
def test_what_is_sought_is_found(line: str) -> None:
    tree = ast.parse(line)
    found = [one for parts, way in texts(tree) for one in unguarded(parts, way, safe_names(tree))]
    assert found
