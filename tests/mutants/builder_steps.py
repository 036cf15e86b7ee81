"""What builders with one defect are made of, and their suite."""

import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from anyio.to_thread import run_sync
from workshops import FakeWorkshop

from launchkit.abc import Builder, Output
from launchkit.errors import BuildError
from launchkit.model import BuildRequest, Image
from launchkit.testing import BuilderContract, FakeBuilder
from launchkit.testing.trees import Tree, read_tree, write_tree


@dataclass(kw_only=True)
class Steps(FakeBuilder):
    """The fake, with something to remember."""

    def __post_init__(self) -> None:
        """For those with something to remember."""


class Suite(BuilderContract):
    """The suite for a class that is nearly right."""

    patience = 5.0
    made: type[FakeBuilder] = Steps

    @pytest.fixture
    def builder(self) -> Builder:
        return type(self).made()

    @pytest.fixture
    def workshop(self, builder: FakeBuilder) -> FakeWorkshop:
        return FakeWorkshop(builder.images, type(self).made)


def building(change: Callable[[Tree], Tree]) -> type[FakeBuilder]:
    """A builder that builds something else than the code, with its name."""

    class Builds(Steps):
        async def build(self, request: BuildRequest, out: Output) -> Image:
            image = await super().build(request, out)
            self.images.contents[image.ref] = change(self.images.contents[image.ref])
            return image

    return Builds


def seeing(change: Callable[[Tree], Tree]) -> type[FakeBuilder]:
    """A builder that names an image by a part of its code, which is in it as a whole."""

    class Sees(Steps):
        async def build(self, request: BuildRequest, out: Output) -> Image:
            tree = await run_sync(read_tree, request.code)
            with tempfile.TemporaryDirectory(dir=request.code.parent.parent) as place:
                code = Path(place) / "code"
                await run_sync(write_tree, change(tree), code)
                image = await super().build(replace(request, code=code), out)
            self.images.contents[image.ref] = tree
            return image

    return Sees


def giving(change: Callable[[FakeBuilder, Image], Any]) -> type[FakeBuilder]:
    """A builder that tells of its images otherwise."""

    class Gives(Steps):
        async def build(self, request: BuildRequest, out: Output) -> Image:
            image: Image = change(self, await super().build(request, out))
            return image

    return Gives


def naming(word: Callable[[BuildRequest], object]) -> type[FakeBuilder]:
    """A builder whose names depend on more than the code."""

    class Names(Steps):
        async def build(self, request: BuildRequest, out: Output) -> Image:
            image = await super().build(request, out)
            ref = f"{image.ref}-{word(request)}"
            for kept in (self.images.digests, self.images.contents):
                kept[ref] = kept[image.ref]  # type: ignore[index]
            return replace(image, ref=ref)

    return Names


def failing(change: Callable[[BuildError], Any]) -> type[FakeBuilder]:
    """A builder that fails otherwise."""

    class Fails(Steps):
        async def build(self, request: BuildRequest, out: Output) -> Image:
            try:
                return await super().build(request, out)
            except BuildError as exc:
                result: Image = change(exc)
                return result

    return Fails


def awaiting(
    before: Callable[[FakeBuilder, BuildRequest, Output], Awaitable[object]],
) -> type[FakeBuilder]:
    """A builder that does something first."""

    class Awaits(Steps):
        async def build(self, request: BuildRequest, out: Output) -> Image:
            await before(self, request, out)
            return await super().build(request, out)

    return Awaits


def doing(before: Callable[[BuildRequest], object]) -> type[FakeBuilder]:
    """A builder that does something first, in the loop's thread."""

    async def act(one: FakeBuilder, request: BuildRequest, out: Output) -> None:
        before(request)

    return awaiting(act)


def in_thread(before: Callable[[BuildRequest], object]) -> type[FakeBuilder]:
    """A builder that does something first, in a thread."""

    async def act(one: FakeBuilder, request: BuildRequest, out: Output) -> None:
        await run_sync(before, request)

    return awaiting(act)


def raised(exc: BaseException, cause: BaseException | None = None) -> Any:
    raise exc from cause
