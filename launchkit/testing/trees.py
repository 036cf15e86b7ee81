"""Directories of code as values: what a test writes, and reads back."""

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

MIB = 1024**2


@dataclass(frozen=True)
class File:
    """A file; of its permissions only "executable" counts."""

    data: bytes
    executable: bool = False


@dataclass(frozen=True)
class Link:
    """A symbolic link, as it is written."""

    target: str


Tree: TypeAlias = Mapping[str, File | Link]
"""Path from the root → what is there. Directories are there because something is in them."""

SAMPLE: Tree = {
    "train.py": File(b"print('hello')\n"),
    "run.sh": File(b"#!/bin/sh\nexec python train.py\n", executable=True),
    "bin/tool": File(b"#!/bin/sh\n", executable=True),
    ".settings": File(b"hidden\n"),
    ".config/.inner/x": File(b"hidden deeper\n"),
    "empty": File(b""),
    "dos.txt": File(b"one\r\ntwo\r\n"),
    "data/every byte.bin": File(bytes(range(256)) * 3),
    "data/large.bin": File(random.Random(1).randbytes(2 * MIB)),  # noqa: S311 - no secret
    "übung/naïve name.txt": File("größe\n".encode()),
    "a/b/c/d/e/f/leaf": File(b"deep\n"),
    "a/b/train.py": File(b"print('another of that name')\n"),
    "current": Link("train.py"),
    "shortcut": Link("a/b"),
    "a/up": Link("../data/every byte.bin"),
}
"""Of all that code holds: dot files, links, programs, odd names, every byte."""


def write_tree(tree: Tree, root: Path) -> Path:
    """Write it below *root*, which is made; gives *root*."""
    root.mkdir(parents=True, exist_ok=True)
    for name, what in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(what, Link):
            path.symlink_to(what.target)
        else:
            path.write_bytes(what.data)
            path.chmod(0o755 if what.executable else 0o644)
    return root


def read_tree(root: Path) -> Tree:
    """What is below *root*; no link is followed."""
    found: dict[str, File | Link] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = Link(os.readlink(path))  # noqa: PTH115 - pathlib would normalise the text
        elif path.is_file():
            found[name] = File(path.read_bytes(), bool(path.stat().st_mode & 0o100))
    return found


def differences(found: Tree, wanted: Tree) -> str:
    """What is wrong with *found*, as a sentence of a test; empty: nothing."""
    lost, extra = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    changed = [name for name in sorted(wanted.keys() & found.keys()) if found[name] != wanted[name]]
    told = {"lost": lost, "not in the source": extra}
    parts = [f"{what}: {', '.join(names)}" for what, names in told.items() if names]
    return "; ".join([*parts, *(_difference(name, found[name], wanted[name]) for name in changed)])


def _difference(name: str, found: File | Link, wanted: File | Link) -> str:
    if type(found) is not type(wanted):
        return f"{name}: is a {type(found).__name__}, not a {type(wanted).__name__}"
    if isinstance(found, File) and isinstance(wanted, File) and found.data == wanted.data:
        return f"{name}: is {'' if found.executable else 'not '}executable"
    return f"{name}: has another content"
