"""The builder `docker`: images from code, made by the Engine of this machine."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from anyio.to_thread import run_sync
from pydantic import AfterValidator, StrictBool

from launchkit.abc import Builder, Finding, Output, Site
from launchkit.aio.lazy import Lazy
from launchkit.errors import Rejected
from launchkit.images.ref import ImageRef
from launchkit.model import BuildRequest, Image
from launchkit_docker.engine.address import engine_address, key_files
from launchkit_docker.engine.ping import answers

if TYPE_CHECKING:
    from launchkit_docker.build.images import ImageBuilds

BUILDS = "launchkit_docker.build.images"


def _repository(text: str) -> str:
    try:
        ImageRef.parse_repository(text)
    except Rejected as exc:
        raise ValueError(exc.message) from exc
    return text


@dataclass(kw_only=True)
class DockerBuilder(Builder):
    """Builds with the Engine, unless the image is there already, and pushes to the registry.

    What talks to the Engine is imported and opened with the first build.
    """

    kind: ClassVar[str] = "docker"

    build_args: dict[str, str] = field(default_factory=dict)
    """Values of the Dockerfile's ARGs; they can be read in the image's history."""

    buildkit: StrictBool | None = None
    """Whether BuildKit builds; without a word, as the Engine prefers."""

    pip_cache: StrictBool = False
    """Whether BuildKit keeps what pip fetches for all builds of the Engine. The steps of each
    may then put code into the images of the others."""

    frontends: list[Annotated[str, AfterValidator(_repository)]] = field(default_factory=list)
    """Repositories of images that a `# syntax=` line may name beside Docker's own. Such a frontend
    may put layers into the images of all others that the Engine builds."""

    _builds: "Lazy[ImageBuilds]" = field(init=False, repr=False)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Remember where it stands; the Engine need not answer yet.

        :raises ConfigError: if no Engine can be reached by what names it.
        """
        await run_sync(engine_address)
        self._builds = Lazy(
            BUILDS,
            lambda builds: builds.open_image_builds(stack, site, self),
        )

    async def build(self, request: BuildRequest, out: Output) -> Image:
        """The image of the code, from where it is already or newly built.

        :raises BuildError: if it cannot be built or pushed.
        """
        return await (await self._builds.opened()).build(request, out)

    async def works_here(self) -> bool:
        """Whether an Engine answers."""
        return await answers()

    def secret_files(self) -> Mapping[Path, str]:
        """The key of TLS, where the Engine is asked with one."""
        return key_files()

    async def check(self) -> Sequence[Finding]:
        """Whether the Engine answers."""
        return await (await self._builds.opened()).findings()
