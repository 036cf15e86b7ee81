"""Builds while somebody else removes images that the Engine looks through."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from launchkit_docker.build.retry import REMOVALS
from launchkit_docker.builder import DockerBuilder
from own_engine import OwnEngine, own_engine

from launchkit.abc import Site
from launchkit.errors import BuildError
from launchkit.model import ArchiveSource, BuildRequest
from launchkit.testing import RecordingOutput
from launchkit.testing.makers import make_launch, started

AGAIN = "an image was removed under the Engine's eyes: trying again\n"


@dataclass
class Restoring(RecordingOutput):
    """Puts back what is removed as soon as the build is tried again."""

    removed: tuple[Path, ...] = field(kw_only=True)

    async def __call__(self, data: bytes) -> None:
        await super().__call__(data)
        if AGAIN in self.text:
            for path in self.removed:
                path.rename(path.with_suffix(""))
            self.removed = ()


@pytest.fixture(scope="module")
def engine() -> Iterator[OwnEngine]:
    with own_engine() as engine:
        yield engine


@pytest.fixture
def base(engine: OwnEngine, tmp_path: Path) -> str:
    return engine.shell(tmp_path)


@pytest.fixture
async def builder(
    engine: OwnEngine, site: Site, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DockerBuilder]:
    monkeypatch.setenv("DOCKER_HOST", engine.url)
    async with started(DockerBuilder(buildkit=False), site) as builder:
        yield builder


@pytest.fixture
def request_(base: str, tmp_path: Path) -> BuildRequest:
    return request_of(tmp_path / "code", base, "mine")


@pytest.fixture
async def half_removed(
    builder: DockerBuilder, engine: OwnEngine, base: str, tmp_path: Path
) -> tuple[Path, ...]:
    """Another image of the same base, of which the Engine knows, but has nothing any more."""
    before = contents(engine)
    await builder.build(request_of(tmp_path / "other", base, "other"), RecordingOutput())
    made = [path for path in contents(engine) if path not in before]
    if not made:
        pytest.skip("this Engine keeps its images in containerd")
    return tuple(path.rename(path.with_suffix(".removed")) for path in made)


def contents(engine: OwnEngine) -> set[Path]:
    return {*engine.folder.glob("data/image/*/imagedb/content/sha256/*")}


def request_of(code: Path, base: str, word: str) -> BuildRequest:
    code.mkdir()
    (code / "Dockerfile").write_text(f"FROM {base}\nLABEL of={word}\n")
    source = ArchiveSource(digest="d", size=1, name=word)
    launch = make_launch(source=source, dockerfile="Dockerfile")
    return BuildRequest(launch=launch, code=code, destination=None)


async def test_a_build_at_which_somebody_else_removes_an_image_is_tried_again(
    builder: DockerBuilder,
    engine: OwnEngine,
    request_: BuildRequest,
    half_removed: tuple[Path, ...],
) -> None:
    out = Restoring(removed=half_removed)
    image = await builder.build(request_, out)
    assert engine.has(image.ref)
    assert out.text.count(AGAIN) == 1


async def test_an_engine_that_never_finds_one_of_its_images_is_given_up(
    builder: DockerBuilder, request_: BuildRequest, half_removed: tuple[Path, ...]
) -> None:
    out = RecordingOutput()
    with pytest.raises(BuildError, match="unable to find image"):
        await builder.build(request_, out)
    assert out.text.count(AGAIN) == REMOVALS
