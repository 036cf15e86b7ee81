"""A builder and a registry that share images in memory."""

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

from anyio.to_thread import run_sync

from launchkit.abc import Builder, Output, Registry
from launchkit.errors import BuildError
from launchkit.model import BuildRequest, Credentials, Image, Secret
from launchkit.testing.faults import Faults


class FakeImages:
    """The images that are there, by reference, each with the digest of what is in it."""

    def __init__(self) -> None:
        self.digests: dict[str, str] = {}
        self.faults = Faults()
        """For `build`, `exists` and `credentials`."""


@dataclass(kw_only=True)
class FakeBuilder(Builder):
    """Makes an image of any directory with a file in it; its content is its digest."""

    kind: ClassVar[str] = "fake"

    images: FakeImages = field(default_factory=FakeImages, repr=False)

    async def build(self, request: BuildRequest, out: Output) -> Image:
        """:raises BuildError: if the directory is empty."""
        return await self.images.faults.around("build", lambda: self._build(request, out))

    async def _build(self, request: BuildRequest, out: Output) -> Image:
        digest = await run_sync(_digest, request.code)
        name = request.destination or "fake"
        ref = f"{name}:{digest.removeprefix('sha256:')[:12]}"
        self.images.digests[ref] = digest
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
            return ref in self.images.digests

        return await self.images.faults.around("exists", look)

    async def digest(self, ref: str) -> str | None:
        """The digest of what was built."""
        return self.images.digests.get(ref)

    async def credentials(self) -> Credentials:
        """A login that never ages."""

        async def make() -> Credentials:
            return Credentials(username="fake", password=Secret("fake-password"))

        return await self.images.faults.around("credentials", make)


def _digest(code: Path) -> str:
    files = sorted(path for path in code.rglob("*") if path.is_file())
    if not files:
        raise BuildError(f"{code}: there is nothing to build", hint="put a file into it")
    total = sha256()
    for path in files:
        total.update(path.relative_to(code).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"sha256:{total.hexdigest()}"
