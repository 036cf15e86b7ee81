"""What stands around a builder, and what happens to the code that it builds."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import ClassVar

from launchkit.abc import Builder
from launchkit.model import BuildRequest, Image
from launchkit.testing.recording import RecordingOutput
from launchkit.testing.trees import File, Link, Tree, read_tree

CHANGES: Mapping[str, Tree | None] = {
    "a changed byte": {"train.py": File(b"print('hellp')\n")},
    "an added file": {"added.py": File(b"")},
    "a changed file deep inside": {"a/b/c/d/e/f/leaf": File(b"deeper\n")},
    "a changed hidden file": {".config/.inner/x": File(b"other\n")},
    "a program that is none any more": {"bin/tool": File(b"#!/bin/sh\n")},
    "a link that points elsewhere": {"current": Link("run.sh")},
    "a file in place of a link to it": {"current": File(b"print('hello')\n")},
    "a file of another size": {"data/large.bin": File(b"small")},
}
"""What is put into the sample, so that it is another code."""


class Workshop(ABC):
    """What stands around a builder, seen from behind: its requests, and the images it makes."""

    passwords: ClassVar[tuple[str, ...]] = ()
    """What must be read nowhere."""
    platforms: ClassVar[tuple[str, ...]] = ()
    """Two platforms that it can build for; empty: only one."""

    @abstractmethod
    def request(self, code: Path) -> BuildRequest:
        """A request for the image of the directory *code*, with a destination if the builder
        pushes. It may add to *code* what a build needs, such as a Dockerfile: always the same.
        """

    @abstractmethod
    def spoil(self, code: Path) -> str:
        """Change *code* so that it cannot be built; gives a word that the build prints then, or
        that the error tells.
        """

    @abstractmethod
    async def has(self, image: Image) -> bool:
        """Whether the image is there for a runner, by its reference, with its digest."""

    async def code(self, image: Image) -> Tree | None:
        """The code that is in an image, without what `request` added; None: it cannot be seen."""
        return None

    def another(self) -> AbstractAsyncContextManager[Builder] | None:
        """The builder that another agent has; None: there is no other."""
        return None

    def away(self) -> AbstractAsyncContextManager[None]:
        """What it builds by, or pushes to, cannot be reached for the time of the context."""
        return nullcontext()


class Spoken(RecordingOutput):
    """What is said, as long as somebody listens."""

    over: bool = False
    late: str = ""

    async def __call__(self, data: bytes) -> None:
        """Keep it, or that it came too late."""
        if self.over:
            self.late += data.decode(errors="replace")
        await super().__call__(data)


def exchange(code: Path) -> None:
    """Give two files each other's content."""
    (code / "train.py").rename(code / "held")
    (code / "dos.txt").rename(code / "train.py")
    (code / "held").rename(code / "dos.txt")


def facts(root: Path) -> Mapping[str, object]:
    """What is there, with modes and times."""
    tree, found = read_tree(root), {}
    for path in root.rglob("*"):
        name, stat = path.relative_to(root).as_posix(), path.lstat()
        times = None if path.is_dir() and not path.is_symlink() else stat.st_mtime
        found[name] = (tree.get(name), stat.st_mode, times)
    return found
