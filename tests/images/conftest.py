"""A real registry, and code to build."""

from collections.abc import AsyncIterator, Callable
from itertools import count
from pathlib import Path
from typing import TypeAlias

import pytest
from registry.conftest import open_registry, place

from launchkit.abc import Site
from launchkit.model import ArchiveSource, BuildRequest
from launchkit.testing import RecordingOutput, make_launch, site_at

__all__ = ["open_registry", "place"]

Make: TypeAlias = Callable[..., BuildRequest]
DOCKERFILE = "FROM scratch\nARG WORD\nCOPY train.py /train.py\n"
"""Of the images whose tags are known: no change of launchkit may change them."""


@pytest.fixture
def out() -> RecordingOutput:
    return RecordingOutput()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with site_at(tmp_path / "site") as site:
        yield site


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Requests with a Dockerfile, or with None for the one that is generated."""

    def make(
        dockerfile: str | None = DOCKERFILE,
        *,
        text: str = "print('hello')\n",
        destination: str | None = None,
        platform: str | None = None,
    ) -> BuildRequest:
        code = tmp_path / "code"
        code.mkdir(exist_ok=True)
        (code / "train.py").write_text(text)
        if dockerfile:
            (code / "Dockerfile.launchkit").write_text(dockerfile)
        launch = make_launch(
            source=ArchiveSource(digest="d", size=1, name="golden"),
            entry_point=("python", "train.py"),
            runtime=None if dockerfile else "3.11",
        )
        return BuildRequest(launch=launch, code=code, destination=destination, platform=platform)

    return make


@pytest.fixture
def tree(tmp_path: Path) -> Callable[..., Path]:
    numbers = count()

    def make(root: Path | None = None, **files: str) -> Path:
        """A directory with files of these texts; a name that ends with a slash is a directory."""
        top = root or tmp_path / f"code{next(numbers)}"
        top.mkdir(exist_ok=True)
        for name, text in files.items():
            path = top / name
            (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
            if not name.endswith("/"):
                path.write_text(text)
        return top

    return make
