"""Code that is not brought as it is."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from launchkit.abc import Fetcher
from mutants.fetcher_folder import FolderFetcher


def afterwards(change: Callable[[Path], object]) -> type[Fetcher]:
    """A fetcher that changes what it has brought."""

    class Changes(FolderFetcher):
        def fill(self, kept: Path, into: Path) -> None:
            super().fill(kept, into)
            change(into)

    return Changes


def files(into: Path) -> list[Path]:
    return [path for path in into.rglob("*") if path.is_file() and not path.is_symlink()]


def links(into: Path) -> list[Path]:
    return [path for path in into.rglob("*") if path.is_symlink()]


def each_file(change: Callable[[Path], object]) -> type[Fetcher]:
    return afterwards(lambda into: [change(path) for path in files(into)])


def rewrite(change: Callable[[bytes], bytes]) -> type[Fetcher]:
    return each_file(lambda path: path.write_bytes(change(path.read_bytes())))


def remove(chosen: Callable[[Path, Path], bool]) -> type[Fetcher]:
    return afterwards(lambda into: [p.unlink() for p in files(into) if chosen(p, into)])


def absolute(into: Path) -> None:
    for link in links(into):
        target = (link.parent / link.readlink()).resolve()
        link.unlink()
        link.symlink_to(target)


def into_subfolder(into: Path) -> None:
    inner = into / "code"
    inner.mkdir()
    for path in [path for path in into.iterdir() if path != inner]:
        path.rename(inner / path.name)


def flatten(into: Path) -> None:
    for path in files(into):
        path.rename(into / path.name)


class BringsNothing(FolderFetcher):
    def fill(self, kept: Path, into: Path) -> None:
        return


class Follows(FolderFetcher):
    def keep(self, version: Path) -> Path:
        return version

    def fill(self, kept: Path, into: Path) -> None:
        shutil.copytree(kept, into, symlinks=False, dirs_exist_ok=True)


class FollowsOutwards(FolderFetcher):
    def fill(self, kept: Path, into: Path) -> None:
        super().fill(kept, into)
        for link in links(into):
            out = not link.resolve().is_relative_to(into)
            if out and link.is_file():
                data = link.read_bytes()
                link.unlink()
                link.write_bytes(data)


class HardLinks(FolderFetcher):
    def fill(self, kept: Path, into: Path) -> None:
        shutil.copytree(kept, into, symlinks=True, dirs_exist_ok=True, copy_function=os.link)


class LinksToTheCache(FolderFetcher):
    def fill(self, kept: Path, into: Path) -> None:
        shutil.copytree(kept, into, symlinks=True, dirs_exist_ok=True, copy_function=os.symlink)


class MovesOutOfTheCache(FolderFetcher):
    def fill(self, kept: Path, into: Path) -> None:
        for path in kept.iterdir():
            path.rename(into / path.name)


class ReadOnly(FolderFetcher):
    def fill(self, kept: Path, into: Path) -> None:
        into.rmdir()
        into.symlink_to(kept)


class WritesBeside(FolderFetcher):
    def fill(self, kept: Path, into: Path) -> None:
        part = into.with_name("code.part")
        shutil.copytree(kept, part, symlinks=True)
        shutil.copytree(part, into, symlinks=True, dirs_exist_ok=True)


class ClearsBeside(FolderFetcher):
    def fill(self, kept: Path, into: Path) -> None:
        for path in into.parent.glob("of-*"):
            path.unlink()
        super().fill(kept, into)
