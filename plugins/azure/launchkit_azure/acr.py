"""The registry `acr`: a repository in Azure Container Registry."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from launchkit.abc import Finding, Registry, Site
from launchkit.aio.lazy import Lazy
from launchkit.images.ref import ImageRef
from launchkit.model import Credentials
from launchkit.plain_text import shortened
from launchkit_azure.acr_names import HOST, AcrRepository
from launchkit_azure.environment import AzureEnvironment

if TYPE_CHECKING:
    from launchkit_azure.acr_service import AcrService

SERVICE = "launchkit_azure.acr_service"


@dataclass(kw_only=True)
class AcrRegistry(Registry):
    """Azure Container Registry. Its login is that of the agent's environment `azure`."""

    kind: ClassVar[str] = "acr"
    hosts: ClassVar[tuple[str, ...]] = (HOST,)

    uri: str
    """The repository, such as myregistry.azurecr.io/team/launch, with https:// or without."""
    host: str | None = None
    """Where the images are, if that is not Azure's own host: a stand-in's, with its port."""

    _place: AcrRepository = field(init=False, repr=False)
    _service: "Lazy[AcrService]" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            self._place = AcrRepository.parse(self.uri, self.host)
        except ValueError as exc:
            raise ValueError(f"uri: {exc}, not {shortened(repr(self.uri), 200)}") from None
        ImageRef.parse_repository(self._place.uri)

    @classmethod
    def repository_of(cls, text: str) -> str:
        """The repository that a URI names. :raises ValueError: with what is missing."""
        return AcrRepository.parse(text).uri

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Remember where it stands; Azure need not answer yet.

        :raises ConfigError: if the agent's environment is not `azure`.
        """
        environment = site.require(AzureEnvironment, self)

        async def opening(service: Any) -> "AcrService":
            opened = service.open_service(stack, environment, self._place, pushes=site.builds)
            return await opened  # type: ignore[no-any-return] # a module's function

        self._service = Lazy(SERVICE, opening)

    @property
    def place(self) -> AcrRepository:
        """The repository."""
        return self._place

    def image_ref(self, tag: str) -> str:
        """The repository with the tag."""
        return f"{self._place.uri}:{tag}"

    async def exists(self, ref: str) -> bool:
        """Whether an image of that reference can be pulled.

        :raises LaunchError: if the registry cannot be reached, or does not say.
        """
        return (await (await self._service.opened()).find(ref))[0]

    async def digest(self, ref: str) -> str | None:
        """The digest of the image of that reference; None if there is none.

        :raises LaunchError: if the registry cannot be reached, or does not say.
        """
        return (await (await self._service.opened()).find(ref))[1]

    async def credentials(self) -> Credentials | None:
        """A login that is valid for an hour more. :raises LaunchError: if there is none."""
        return await (await self._service.opened()).login()

    async def check(self) -> Sequence[Finding]:
        """Look whether the registry gives a login, and allows to pull, and to push where the agent
        builds.
        """
        return await (await self._service.opened()).findings()
