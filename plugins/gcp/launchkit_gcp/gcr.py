"""The registry `gcr`: images in Google's Artifact Registry."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from launchkit.abc import Finding, Registry, Site
from launchkit.aio.lazy import Lazy
from launchkit.model import Credentials
from launchkit.plain_text import shortened
from launchkit_gcp.environment import GcpEnvironment
from launchkit_gcp.gar_names import HOST, OLD_HOST, GarImage

if TYPE_CHECKING:
    from launchkit_gcp.gar_service import GarService

SERVICE = "launchkit_gcp.gar_service"
PARTS = "name the images by uri, or by repository and image_name"


@dataclass(kw_only=True)
class GcrRegistry(Registry):
    """Google's Artifact Registry, and gcr.io; its login is that of the environment `gcp`."""

    kind: ClassVar[str] = "gcr"
    aliases: ClassVar[tuple[str, ...]] = ("gar",)
    hosts: ClassVar[tuple[str, ...]] = (HOST, OLD_HOST)

    uri: str | None = None
    """The name of the images: us-central1-docker.pkg.dev/my-project/launch/train, or
    gcr.io/my-project/train; else the next four say it."""
    repository: str | None = None
    """The repository of Artifact Registry."""
    image_name: str | None = None
    """The name of the images there; it may have several parts."""
    region: str | None = None
    """Where the repository is, such as us-central1 or europe; by default the environment's."""
    project: str | None = None
    """The project that it is in; by default the environment's."""
    host: str | None = None
    """Where the images are, if that is not Google's own host: a stand-in's, with its port."""

    _image: GarImage = field(init=False, repr=False)
    _service: "Lazy[GarService]" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts = (self.repository, self.image_name, self.region, self.project)
        if self.uri is not None and any(part is not None for part in parts):
            raise ValueError("uri stands in place of repository, image_name, region and project")
        self._image = self._named("us", "project")

    def _named(self, region: str, project: str) -> GarImage:
        """The images, where *region* and *project* stand in for what is not said.

        :raises ValueError: if they have no name.
        """
        if self.uri is not None:
            try:
                return GarImage.parse(self.uri)
            except ValueError as exc:
                raise ValueError(f"uri: {exc}, not {shortened(repr(self.uri), 200)}") from None
        if self.repository is None or self.image_name is None:
            raise ValueError("name the images by uri, or by repository and image_name together")
        location = self.region or region
        return GarImage.of_parts(
            location, self.project or project, self.repository, self.image_name
        )

    @classmethod
    def repository_of(cls, text: str) -> str:
        """The images that a URI names.

        :raises ValueError: with what is missing.
        """
        return GarImage.parse(text).uri

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Remember where it stands; Google Cloud need not answer yet.

        :raises ConfigError: if the agent's environment is not `gcp`.
        """
        environment = site.require(GcpEnvironment, self)
        self._image = self._named(environment.region, environment.project)

        async def opening(service: Any) -> "GarService":
            opened = service.open_service(
                stack, environment, self._image, self._host, pushes=site.builds
            )
            return await opened  # type: ignore[no-any-return] # a module's function

        self._service = Lazy(SERVICE, opening)

    @property
    def _host(self) -> str:
        return self.host or self._image.host

    def image_ref(self, tag: str) -> str:
        """The images' name with the tag."""
        return f"{self._host}/{self._image.path}:{tag}"

    async def exists(self, ref: str) -> bool:
        """Whether an image of that reference can be pulled.

        :raises LaunchError: if it is not in Artifact Registry, or that does not say.
        """
        return (await (await self._service.opened()).find(ref))[0]

    async def digest(self, ref: str) -> str | None:
        """The digest of the image of that reference; None if there is none.

        :raises LaunchError: if it is not in Artifact Registry, or that does not say.
        """
        return (await (await self._service.opened()).find(ref))[1]

    async def credentials(self) -> Credentials | None:
        """A login that is valid for some minutes more, an hour at the most.

        :raises LaunchError: if Google Cloud gives none.
        """
        return await (await self._service.opened()).login()

    async def check(self) -> Sequence[Finding]:
        """Look whether there is a login, whether the repository is there, and what may be done."""
        return await (await self._service.opened()).findings()
