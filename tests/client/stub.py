"""Writes `launchkit/sync.pyi` from the asynchronous classes: `python tests/client/stub.py`."""

import ast
import textwrap
from collections.abc import Iterator
from pathlib import Path

import launchkit

PACKAGE = Path(launchkit.__file__).parent
STUB = PACKAGE / "sync.pyi"
WIDTH = 100
MODULES = ("opening", "client", "handle", "queue_handle")
CLASSES = ("Client", "LaunchHandle", "QueueHandle")
PLAIN = {"AsyncIterator": "Iterator"}
EXTRA = {"contextlib": {"AbstractContextManager"}, "collections.abc": {"Iterator"}}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def stub() -> str:
    """What `launchkit/sync.pyi` has to be."""
    files = [PACKAGE / "client" / f"{name}.py" for name in MODULES]
    sources = [ast.parse(file.read_text()) for file in files]
    found = {node.name: node for tree in sources for node in tree.body if hasattr(node, "name")}
    connect = found["connect"]
    assert isinstance(connect, ast.AsyncFunctionDef)
    lines = list(function(connect, "", "AbstractContextManager[Client]"))
    for name in CLASSES:
        made = found[name]
        assert isinstance(made, ast.ClassDef)
        lines += ["", *class_(made)]
    body = "\n".join(lines) + "\n"
    about = ast.get_docstring(ast.parse((PACKAGE / "sync.py").read_text()), clean=False)
    return f'"""{about}"""\n\n# Made by tests/client/stub.py.\n\n{imports(sources, body)}\n{body}'


def class_(made: ast.ClassDef) -> Iterator[str]:
    yield f"class {made.name}:"
    yield from docstring(made, "    ")
    yield ""
    for node in made.body:
        if isinstance(node, ast.AnnAssign):
            name = ast.unparse(node.target)
            yield f"    @property\n    def {name}(self) -> {text(node.annotation)}: ..."
        elif isinstance(node, Function) and not node.name.startswith("_"):
            if node.decorator_list:
                yield "    @property"
            yield from function(node, "    ", text(node.returns))


def function(node: Function, indent: str, returns: str) -> Iterator[str]:
    head = f"{indent}def {node.name}"
    parts = list(parameters(node.args))
    line = f"{head}({', '.join(parts)}) -> {returns}:"
    if len(line) > WIDTH:
        line = f"{head}(\n" + "".join(f"{indent}    {part},\n" for part in parts)
        line += f"{indent}) -> {returns}:"
    about = list(docstring(node, f"{indent}    "))
    yield line if about else f"{line} ..."
    yield from about


def parameters(args: ast.arguments) -> Iterator[str]:
    defaults = [None] * (len(args.args) - len(args.defaults)) + args.defaults
    yield from (parameter(*one) for one in zip(args.args, defaults, strict=True))
    if args.kwonlyargs:
        yield "*"
    yield from (parameter(*one) for one in zip(args.kwonlyargs, args.kw_defaults, strict=True))


def parameter(arg: ast.arg, default: ast.expr | None) -> str:
    kind = f": {text(arg.annotation)}" if arg.annotation else ""
    return arg.arg + kind + (f" = {quoted(default)}" if default else "")


def quoted(node: ast.expr) -> str:
    return ast.unparse(node).replace("'", '"')


def text(node: ast.expr | None) -> str:
    """A type as the stub writes it."""
    assert node
    written = ast.unparse(node).replace("'", "")
    for before, after in PLAIN.items():
        written = written.replace(before, after)
    return written


def docstring(node: Function | ast.ClassDef, indent: str) -> Iterator[str]:
    about = ast.get_docstring(node)
    if about:
        closed = f'"""{about}\n"""' if "\n" in about else f'"""{about}"""'
        yield textwrap.indent(closed, indent)


def imports(sources: list[ast.Module], body: str) -> str:
    """The imports of the sources that the stub needs, the standard library's first."""
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    wanted: dict[str, set[str]] = {module: set(names) for module, names in EXTRA.items()}
    for tree in sources:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = {alias.name for alias in node.names} & used - {*CLASSES}
                wanted.setdefault(node.module, set()).update(names)
    ours = [m for m in sorted(wanted) if m.startswith("launchkit") and wanted[m]]
    theirs = [m for m in sorted(wanted) if not m.startswith("launchkit") and wanted[m]]
    groups = [
        "".join(import_(module, wanted[module]) for module in group) for group in (theirs, ours)
    ]
    return "\n".join(groups)


def import_(module: str, names: set[str]) -> str:
    line = f"from {module} import {', '.join(sorted(names))}\n"
    if len(line) <= WIDTH + 1:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in sorted(names)) + ")\n"


if __name__ == "__main__":
    STUB.write_text(stub())
