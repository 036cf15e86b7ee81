"""What fetchers do to their process."""

import os
import subprocess
import time
from pathlib import Path
from tempfile import mkdtemp

import anyio

from mutants.fetcher_folder import FolderFetcher


class Blocks(FolderFetcher):
    async def copy(self, kept: Path, into: Path) -> None:
        self.fill(kept, into)


class Sleeps(FolderFetcher):
    async def copy(self, kept: Path, into: Path) -> None:
        time.sleep(0.001)
        await super().copy(kept, into)


class RunsAndWaits(FolderFetcher):
    async def copy(self, kept: Path, into: Path) -> None:
        subprocess.run(["cp", "-a", f"{kept}/.", into], check=True)


class ChangesDirectory(FolderFetcher):
    def fill(self, kept: Path, into: Path) -> None:
        os.chdir(into)
        super().fill(kept, into)


class ChangesEnvironment(FolderFetcher):
    def fill(self, kept: Path, into: Path) -> None:
        os.environ["GIT_DIR"] = str(into)
        super().fill(kept, into)


class ChangesUmask(FolderFetcher):
    def fill(self, kept: Path, into: Path) -> None:
        os.umask(0o077)
        super().fill(kept, into)


class LeaksFiles(FolderFetcher):
    def __post_init__(self) -> None:
        self.open: list[object] = []

    def fill(self, kept: Path, into: Path) -> None:
        super().fill(kept, into)
        self.open.append((into / "train.py").open("rb"))


class LeaksTasks(FolderFetcher):
    async def copy(self, kept: Path, into: Path) -> None:
        await super().copy(kept, into)
        self.site.tasks.start_soon(anyio.sleep_forever)


class LeaksPrograms(FolderFetcher):
    def __post_init__(self) -> None:
        self.programs: list[object] = []

    def fill(self, kept: Path, into: Path) -> None:
        super().fill(kept, into)
        self.programs.append(subprocess.Popen(["true"]))


class LeaksTemporary(FolderFetcher):
    def fill(self, kept: Path, into: Path) -> None:
        super().fill(kept, into)
        mkdtemp()


class ReturnsEarly(FolderFetcher):
    async def copy(self, kept: Path, into: Path) -> None:
        self.site.tasks.start_soon(super().copy, kept, into)
