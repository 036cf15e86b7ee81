"""The suite for builders."""

from pathlib import Path

import pytest

from launchkit.abc import Builder, Component
from launchkit.errors import BuildError
from launchkit.model import BuildRequest
from launchkit.testing.contracts.component import ComponentContract
from launchkit.testing.recording import RecordingOutput


class BuilderContract(ComponentContract):
    """Give the fixtures `builder` (started), `buildable`, a request that it can build, and
    `unbuildable`, one that it cannot. A builder that never builds skips in `buildable`.
    """

    @pytest.fixture
    def builder(self) -> Builder:
        """The started builder."""
        raise pytest.UsageError("override the fixture `builder`")

    @pytest.fixture
    def buildable(self) -> BuildRequest:
        """What can be built."""
        raise pytest.UsageError("override the fixture `buildable`")

    @pytest.fixture
    def unbuildable(self) -> BuildRequest:
        """What cannot be built."""
        raise pytest.UsageError("override the fixture `unbuildable`")

    @pytest.fixture
    def component(self, builder: Builder) -> Component:
        """The builder."""
        return builder

    async def test_an_image_has_the_name_of_its_destination(
        self, builder: Builder, buildable: BuildRequest
    ) -> None:
        """The runner pulls it from there."""
        image = await builder.build(buildable, RecordingOutput())
        assert image.ref.startswith(buildable.destination or "")
        assert image.ref
        assert image.digest is None or image.digest.startswith("sha256:")

    async def test_the_same_code_may_be_built_again(
        self, builder: Builder, buildable: BuildRequest
    ) -> None:
        """An agent that died while building builds again, and gets an image of the same name."""
        first = await builder.build(buildable, RecordingOutput())
        assert (await builder.build(buildable, RecordingOutput())).ref == first.ref

    async def test_the_code_stays_as_it_was(
        self, builder: Builder, buildable: BuildRequest
    ) -> None:
        """It may be built again from the same directory."""
        before = _contents(buildable.code)
        await builder.build(buildable, RecordingOutput())
        assert _contents(buildable.code) == before

    async def test_what_cannot_be_built_is_a_build_error_that_says_why(
        self, builder: Builder, unbuildable: BuildRequest
    ) -> None:
        """The author of the code reads it."""
        with pytest.raises(BuildError) as caught:
            await builder.build(unbuildable, RecordingOutput())
        assert len(caught.value.message.split()) > 2


def _contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}
