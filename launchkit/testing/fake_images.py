"""A builder and a registry that share images in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import ClassVar

from anyio.to_thread import run_sync

from launchkit.abc import Builder, Output, Registry
from launchkit.errors import BuildError
from launchkit.model import BuildRequest, Credentials, Image, Secret
from launchkit.testing.faults import Faults
from launchkit.testing.trees import Tree, read_tree


class FakeImages:
    """The images that are there, by reference, each with the digest of what is in it."""

    def __init__(self) -> None:
        self.digests: dict[str, str] = {}
        self.contents: dict[str, Tree] = {}
        """The code in those that a fake builder made."""
        self.password = "fake-password"  # noqa: S105 - it opens nothing
        """The one that the registry accepts."""
        self.faults = Faults()
        """For `build`, `exists`, `digest` and `credentials`."""


@dataclass(kw_only=True)
class FakeBuilder(Builder):
    """Makes an image of any directory with a file in it; its content is its digest."""

    kind: ClassVar[str] = "fake"

    images: FakeImages = field(default_factory=FakeImages, repr=False)

    async def build(self, request: BuildRequest, out: Output) -> Image:
        """:raises BuildError: if the directory is empty."""
        return await self.images.faults.around("build", lambda: self._build(request, out))

    async def _build(self, request: BuildRequest, out: Output) -> Image:
        tree = await run_sync(read_tree, request.code)
        if not tree:
            await out(b"there is nothing to build\n")
            why = f"{request.code}: there is nothing to build"
            raise BuildError(why, hint="put a file into it")
        digest = _digest(tree, request.platform)
        ref = f"{request.destination or 'fake'}:{digest.removeprefix('sha256:')[:12]}"
        self.images.digests[ref] = digest
        self.images.contents[ref] = tree
        await out.say(f"built {ref}")
        return Image(ref=ref, digest=digest)


@dataclass(kw_only=True)
class FakeRegistry(Registry):
    """Knows the images that fake builders made."""

    kind: ClassVar[str] = "fake"

    name: str = "registry.example.com/fake"
    images: FakeImages = field(default_factory=FakeImages, repr=False)

    def image_ref(self, tag: str) -> str:
        """The name with the tag."""
        return f"{self.name}:{tag}"

    async def exists(self, ref: str) -> bool:
        """Whether it was built."""

        async def look() -> bool:
            return bool(_refs(ref, self.images.digests))

        return await self.images.faults.around("exists", look)

    async def digest(self, ref: str) -> str | None:
        """The digest of what was built."""

        async def look() -> str | None:
            found = _refs(ref, self.images.digests)
            return self.images.digests[found[0]] if found else None

        return await self.images.faults.around("digest", look)

    async def credentials(self) -> Credentials:
        """A login that never ages."""

        async def make() -> Credentials:
            return Credentials(username="fake", password=Secret(self.images.password))

        return await self.images.faults.around("credentials", make)


def _refs(ref: str, digests: Mapping[str, str]) -> list[str]:
    """The references of that image, which may be named by its digest."""
    name, _, digest = ref.partition("@")
    if not digest:
        return [ref] if ref in digests else []
    return [one for one in digests if one.startswith(f"{name}:") and digests[one] == digest]


def _digest(tree: Tree, platform: str | None) -> str:
    return f"sha256:{sha256(repr((platform, sorted(tree.items()))).encode()).hexdigest()}"
