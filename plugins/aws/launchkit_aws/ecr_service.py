"""A repository in ECR, asked; imported when it is asked for the first time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from launchkit.abc import Finding
from launchkit.errors import BuildError, LaunchError, Rejected
from launchkit.images.ref import ImageRef
from launchkit.model import Credentials
from launchkit.shell_words import shell_command
from launchkit_aws.ecr_images import EcrImages
from launchkit_aws.ecr_login import EcrLogins
from launchkit_aws.ecr_names import EcrRepository
from launchkit_aws.environment import AwsEnvironment
from launchkit_aws.errors import CHECK_SECONDS, AwsRefused, explained, soon
from launchkit_aws.rights import Need

PATIENCE_SECONDS = 15.0
"""For findings, where ECR has answered before: an image that took an hour to build waits for them.
"""
READ = ("DescribeRepositories", "DescribeImages", "BatchGetImage", "GetDownloadUrlForLayer")
PUSH = (
    "BatchCheckLayerAvailability",
    "InitiateLayerUpload",
    "UploadLayerPart",
    "CompleteLayerUpload",
    "PutImage",
)
CREATE = ("CreateRepository",)


async def open_service(
    environment: AwsEnvironment, place: EcrRepository, *, pushes: bool, makes: bool
) -> "EcrService":
    """What asks ECR. :raises AwsError: if its client cannot be opened."""
    ecr = await environment.client("ecr", region=place.region)
    logins = EcrLogins(ecr, f"ECR: {place.host}")
    return EcrService(environment, place, pushes, makes, ecr, logins)


@dataclass(eq=False)
class EcrService:
    """A repository; *pushes* says whether images are put there, *makes* whether it may be made."""

    environment: AwsEnvironment
    place: EcrRepository
    pushes: bool
    makes: bool
    ecr: Any
    logins: EcrLogins
    _images: dict[EcrRepository, EcrImages] = field(default_factory=dict)
    _is_there: bool = False
    _has_answered: bool = False

    async def digest(self, ref: str) -> str | None:
        """The digest of an image in this or any other repository of ECR; None: there is none."""
        image = ImageRef.parse(ref)
        version = ("imageDigest", image.digest) if image.digest else ("imageTag", image.version)
        images = await self._images_of(image)
        found = await images.digest(version)
        self._has_answered = True
        return found

    async def login(self) -> Credentials:
        """A login, with which something can be pushed."""
        if self.makes and not self._is_there:
            if await self._described() is None:
                await self._make()
            self._is_there = True
        login = await self.logins.get()
        self._has_answered = True
        return login

    async def findings(self) -> Sequence[Finding]:
        """Whether there is a login and a repository."""
        subject = f"registry {self.place.host}"
        try:
            with soon(PATIENCE_SECONDS if self._has_answered else CHECK_SECONDS):
                login = await self.logins.get()
                about = await self._described()
        except LaunchError as exc:
            return [Finding(level="error", subject=subject, message=exc.message, hint=exc.hint)]
        self._has_answered = True
        self._is_there = about is not None
        found = [Finding(level="ok", subject=subject, message=f"gives a login, {login.username}")]
        if about is not None:
            tags = str(about.get("imageTagMutability", "MUTABLE")).lower().replace("_", " ")
            message = f"repository {self.place.name} is there; its tags are {tags}"
            found.append(Finding(level="ok", subject=subject, message=message))
        elif self.makes:
            message = f"repository {self.place.name} is not there: it is made before the first push"
            found.append(Finding(level="warning", subject=subject, message=message))
        else:
            message = f"there is no repository {self.place.name}"
            hint = self._make_hint()
            found.append(Finding(level="error", subject=subject, message=message, hint=hint))
        return [*found, *await self.environment.rights(self._needs(), subject)]

    def _needs(self) -> Sequence[Need]:
        actions = READ + PUSH * self.pushes + CREATE * self.makes
        return (
            Need(actions=("ecr:GetAuthorizationToken",)),
            Need(actions=tuple(f"ecr:{action}" for action in actions), resource=self.place.arn),
        )

    async def _described(self) -> dict[str, Any] | None:
        """What ECR says of the repository; None: there is none."""
        try:
            with explained(f"ECR: {self.place.uri}"):
                answer = await self.ecr.describe_repositories(
                    registryId=self.place.account, repositoryNames=[self.place.name]
                )
                return dict(next(iter(answer.get("repositories", ())), {}))
        except AwsRefused as exc:
            if exc.reason == "RepositoryNotFoundException":
                return None
            raise

    async def _make(self) -> None:
        what = f"ECR: repository {self.place.uri} is not there and cannot be made"
        try:
            with explained(what):
                await self.ecr.create_repository(
                    registryId=self.place.account, repositoryName=self.place.name
                )
        except AwsRefused as exc:
            if exc.reason != "RepositoryAlreadyExistsException":  # another agent's
                raise BuildError(exc.message, hint=self._make_hint()) from exc

    def _make_hint(self) -> str:
        place = self.place
        where = ("--region", place.region, "--repository-name", place.name)
        command = shell_command("aws", "ecr", "create-repository", *where)
        return f"{command}; or allow ecr:CreateRepository to the agent"

    async def _images_of(self, image: ImageRef) -> EcrImages:
        if image.registry == self.place.host.lower():
            place = EcrRepository(
                account=self.place.account,
                region=self.place.region,
                name=image.path,
                host=self.place.host,
            )
        else:
            try:
                place = EcrRepository.parse(f"{image.registry}/{image.path}")
            except ValueError as exc:
                raise Rejected(f"registry ecr: {image} is not in ECR: {exc}") from None
        if place not in self._images:
            ecr = await self.environment.client("ecr", region=place.region)
            self._images[place] = EcrImages(ecr, place)
        return self._images[place]
