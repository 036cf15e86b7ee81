"""The registry `ecr`: a repository in Amazon's registry."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from launchkit.abc import Finding, Registry, Site
from launchkit.aio.lazy import Lazy
from launchkit.images.ref import ImageRef
from launchkit.model import Credentials
from launchkit.plain_text import shortened
from launchkit_aws.ecr_names import ARN_START, HOST, EcrRepository
from launchkit_aws.environment import AwsEnvironment

if TYPE_CHECKING:
    from launchkit_aws.ecr_service import EcrService

SERVICE = "launchkit_aws.ecr_service"


@dataclass(kw_only=True)
class EcrRegistry(Registry):
    """Amazon ECR. Its login is that of the agent's environment `aws`."""

    kind: ClassVar[str] = "ecr"
    hosts: ClassVar[tuple[str, ...]] = (HOST, ARN_START)

    uri: str | None = None
    """The repository: its URI, such as 123456789012.dkr.ecr.us-east-1.amazonaws.com/launch, or its
    ARN; else the next three say it."""
    account_id: str | Annotated[int, Field(ge=0, lt=10**12)] | None = None
    """The account that it is in."""
    region: str | None = None
    """The region that it is in."""
    repo_name: str | None = None
    """Its name there."""
    host: str | None = None
    """Where the images are, if that is not Amazon's own host: a stand-in's, with its port."""
    create: bool = True
    """Whether a repository that is missing is made before the first push."""

    _place: EcrRepository = field(init=False, repr=False)
    _service: "Lazy[EcrService]" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts = (self.account_id, self.region, self.repo_name)
        if self.uri is not None:
            if any(part is not None for part in parts):
                raise ValueError("uri stands in place of account_id, region and repo_name")
            try:
                place = EcrRepository.parse(self.uri)
            except ValueError as exc:
                raise ValueError(f"uri: {exc}, not {shortened(repr(self.uri), 200)}") from None
            parts = (place.account, place.region, place.name)
            self.uri = self.uri if self.host else place.uri
        elif any(part is None for part in parts):
            raise ValueError(
                "name the repository by uri, or by account_id, region and repo_name together"
            )
        account, region, name = map(str, parts)
        host = self.host or (self.uri.partition("/")[0] if self.uri else None)
        self._place = EcrRepository.of_parts(account, region, name, host)
        ImageRef.parse_repository(self._place.uri)

    @classmethod
    def repository_of(cls, text: str) -> str:
        """The repository that a URI or an ARN names; a host without `.dkr.` is put right.

        :raises ValueError: with what is missing.
        """
        return EcrRepository.parse(text).uri

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Remember where it stands; AWS need not answer yet.

        :raises ConfigError: if the agent's environment is not `aws`.
        """
        environment = site.require(AwsEnvironment, self)
        pushes, makes = site.builds, self.create and site.builds

        async def opening(service: Any) -> "EcrService":
            opened = service.open_service(environment, self._place, pushes=pushes, makes=makes)
            return await opened  # type: ignore[no-any-return] # a module's function

        self._service = Lazy(SERVICE, opening)

    @property
    def place(self) -> EcrRepository:
        """The repository."""
        return self._place

    def image_ref(self, tag: str) -> str:
        """The repository with the tag."""
        return f"{self._place.uri}:{tag}"

    async def exists(self, ref: str) -> bool:
        """Whether an image of that reference can be pulled.

        :raises LaunchError: if it is not in ECR, or ECR does not say.
        """
        return await self.digest(ref) is not None

    async def digest(self, ref: str) -> str | None:
        """The digest of the image of that reference; None if there is none.

        :raises LaunchError: if it is not in ECR, or ECR does not say.
        """
        return await (await self._service.opened()).digest(ref)

    async def credentials(self) -> Credentials | None:
        """A login that is valid for some hours more. Where the agent builds, the repository is made
        if it is missing and may be.

        :raises LaunchError: if AWS gives none, or the repository cannot be made.
        """
        return await (await self._service.opened()).login()

    async def check(self) -> Sequence[Finding]:
        """Look whether AWS gives a login, and whether the repository is there."""
        return await (await self._service.opened()).findings()
