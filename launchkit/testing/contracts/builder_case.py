"""A builder as its suites see it: fixtures to override, and the steps that tests are made of."""

from pathlib import Path

import pytest

from launchkit.abc import Builder, Component, Output
from launchkit.model import BuildRequest, Image
from launchkit.testing.contracts.component import ComponentContract
from launchkit.testing.contracts.conduct import well_behaved
from launchkit.testing.contracts.workshop import Spoken, Workshop
from launchkit.testing.trees import SAMPLE, File, Tree, differences, write_tree


class BuilderCase(ComponentContract):
    """The fixtures of the suites for builders, and steps."""

    @pytest.fixture
    def builder(self) -> Builder:
        """The started builder."""
        raise pytest.UsageError("override the fixture `builder`")

    @pytest.fixture
    def workshop(self) -> Workshop:
        """What is around it."""
        raise pytest.UsageError("override the fixture `workshop`")

    @pytest.fixture
    def component(self, builder: Builder) -> Component:
        """The builder."""
        return builder

    @pytest.fixture
    def code(self, builder: Builder, tmp_path: Path) -> Path:
        """The sample."""
        if not builder.builds:
            pytest.skip("it builds nothing")
        return write_tree(SAMPLE, tmp_path / "work" / "code")

    @pytest.fixture
    def request_(self, workshop: Workshop, code: Path) -> BuildRequest:
        """What is asked for."""
        return workshop.request(code)

    async def build(
        self, builder: Builder, request: BuildRequest, out: Output | None = None
    ) -> Image:
        """Build it."""
        spoken = out or Spoken()
        with well_behaved(self.patience, "a build ends", request.code):
            image = await builder.build(request, spoken)
        if isinstance(spoken, Spoken):
            spoken.over = True
        return image

    async def whole(self, workshop: Workshop, image: Image, tree: Tree) -> None:
        """The image is there, with all of the code and nothing else."""
        assert await workshop.has(image), "an image is there when `build` has returned"
        found = await workshop.code(image)
        wrong = differences(found, tree) if found is not None else ""
        assert not wrong, f"nothing half built is taken for an image, but: {wrong}"


def variant(text: str) -> Tree:
    """The sample, with a *text* in it that makes it another code."""
    return {**SAMPLE, "train.py": File(text.encode())}
