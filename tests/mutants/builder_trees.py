"""Code that is built otherwise than it is."""

import os
from collections.abc import Callable
from dataclasses import replace

from launchkit.abc import Output
from launchkit.model import BuildRequest, Image
from launchkit.testing.trees import File, Link, Tree
from mutants.builder_steps import Steps


def only(keep: Callable[[str, File | Link], bool]) -> Callable[[Tree], Tree]:
    return lambda tree: {name: what for name, what in tree.items() if keep(name, what)}


def each(change: Callable[[str, File | Link], File | Link]) -> Callable[[Tree], Tree]:
    return lambda tree: {name: change(name, what) for name, what in tree.items()}


def plain(name: str, what: File | Link) -> File | Link:
    return File(what.data) if isinstance(what, File) else what


def program(name: str, what: File | Link) -> File | Link:
    return File(what.data, executable=True) if isinstance(what, File) else what


def unix(name: str, what: File | Link) -> File | Link:
    return replace(what, data=what.data.replace(b"\r", b"")) if isinstance(what, File) else what


def cut(name: str, what: File | Link) -> File | Link:
    return replace(what, data=what.data[: 1 << 20]) if isinstance(what, File) else what


def followed(tree: Tree) -> Tree:
    return {
        name: tree.get(os.path.normpath(f"{name}/../{what.target}"), what)
        if isinstance(what, Link)
        else what
        for name, what in tree.items()
    }


def sizes(name: str, what: File | Link) -> File | Link:
    return File(b"x" * len(what.data), what.executable) if isinstance(what, File) else what


def contents_alone(tree: Tree) -> Tree:
    return {str(number): what for number, what in enumerate(sorted(tree.values(), key=repr))}


def names_apart(tree: Tree) -> Tree:
    """All names, then all contents: what was exchanged is not seen."""
    names = "\n".join(sorted(tree)).encode()
    return {"names": File(names), **contents_alone(tree)}


class FollowsOutwards(Steps):
    async def build(self, request: BuildRequest, out: Output) -> Image:
        image = await super().build(request, out)
        self.images.contents[image.ref] = {
            name: File(b"taken") if isinstance(what, Link) and what.target.startswith("/") else what
            for name, what in self.images.contents[image.ref].items()
        }
        return image
