"""Images in Artifact Registry, asked about; imported when the first question is asked."""

import re
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx

from launchkit.abc import Finding
from launchkit.errors import LaunchkitError, Rejected
from launchkit.images.ref import ImageRef
from launchkit.images.registries.probe import RegistryProbe, open_probe
from launchkit.model import Credentials
from launchkit.shell_words import shell_command
from launchkit_gcp.environment import GcpEnvironment
from launchkit_gcp.errors import CHECK_SECONDS, DENIED_HINT, LOGIN_HINT, GcpRefused, soon
from launchkit_gcp.gar_names import HOST, OLD_HOST, GarImage
from launchkit_gcp.rights import Need, Resource

USER = "oauth2accesstoken"
"""The name of everybody whose password is a token."""
ENDPOINT = "docker"
"""What the settings call the place where images are asked about."""
_OURS = re.compile(f"{HOST}|{OLD_HOST}")
PATIENCE_SECONDS = 15.0
"""For findings, where it has answered before: an image that took an hour to build waits for them.
"""
READ = ("artifactregistry.repositories.downloadArtifacts", "artifactregistry.repositories.get")
PUSH = ("artifactregistry.repositories.uploadArtifacts",)


async def open_service(
    stack: AsyncExitStack, environment: GcpEnvironment, image: GarImage, host: str, *, pushes: bool
) -> "GarService":
    """What asks about the images of *image*, whose references name *host*."""
    endpoint = environment.endpoint_urls.get(ENDPOINT)
    asked = httpx.URL(endpoint).netloc.decode() if endpoint else host
    open_ones = {asked} if endpoint and httpx.URL(endpoint).scheme == "http" else set()

    async def login(of: str) -> Credentials | None:
        if of in {asked, host} or _OURS.fullmatch(of):
            return await token_login(environment)
        return None

    hint = f"{DENIED_HINT}; {LOGIN_HINT}"
    probe = await open_probe(stack, None, login, open_ones.__contains__, hint)
    return GarService(environment, image, host, asked if endpoint else None, pushes, probe)


async def token_login(environment: GcpEnvironment) -> Credentials:
    """A token of the agent's, as Google's registries take it. :raises GcpError: if none is got."""
    token = await environment.token()
    ends = token.until if token.until != float("inf") else None
    return Credentials(username=USER, password=token.text, expires_at=ends)


@dataclass(eq=False)
class GarService:
    """The images of one name; *pushes* says whether some are put there."""

    environment: GcpEnvironment
    image: GarImage
    host: str
    endpoint: str | None
    """The host that is asked in place of the one that references name."""
    pushes: bool
    probe: RegistryProbe
    _has_answered: bool = False

    async def find(self, ref: str) -> tuple[bool, str | None]:
        """Whether there is an image of that reference in Artifact Registry, and its digest."""
        image = ImageRef.parse(ref)
        if image.registry != self.host.lower() and not _OURS.fullmatch(image.registry):
            raise Rejected(f"registry gcr: {image} is not in Artifact Registry")
        asked = f"{self.endpoint}/{str(image).partition('/')[2]}" if self.endpoint else ref
        found = await self.probe.find(asked)
        self._has_answered = True
        return found

    async def login(self) -> Credentials:
        """A login, with which something can be pushed."""
        login = await token_login(self.environment)
        self._has_answered = True
        return login

    async def findings(self) -> Sequence[Finding]:
        """Whether there is a login and a repository, and what may be done there."""
        subject = f"registry {self.host}"
        try:
            with soon(PATIENCE_SECONDS if self._has_answered else CHECK_SECONDS):
                login = await token_login(self.environment)
                about = await self._repository_finding(subject)
        except LaunchkitError as exc:
            return [Finding(level="error", subject=subject, message=exc.message, hint=exc.hint)]
        self._has_answered = True
        found = [Finding(level="ok", subject=subject, message=f"gives a login, {login.username}")]
        rights = await self.environment.rights([self._need()], subject)
        return [*found, *about, *rights]

    async def _repository_finding(self, subject: str) -> Sequence[Finding]:
        image = self.image
        try:
            about = await self._described()
        except GcpRefused as exc:
            if exc.denied:
                return ()  # images may be pushed without looking at it; what lacks is told next
            raise
        if about is None:
            message = f"there is no repository {image.repository} in {image.location}"
            return [Finding(level="error", subject=subject, message=message, hint=self._make())]
        kind = str(about.get("format", "DOCKER")).upper()
        if kind != "DOCKER":
            message = f"repository {image.repository} is for {kind.lower()}, not for images"
            return [Finding(level="error", subject=subject, message=message, hint=self._make())]
        told = about.get("dockerConfig")
        fixed = isinstance(told, Mapping) and told.get("immutableTags") is True
        message = (
            f"repository {image.repository} is there; its tags are"
            f" {'immutable' if fixed else 'mutable'}"
        )
        return [Finding(level="ok", subject=subject, message=message)]

    async def _described(self) -> Mapping[str, Any] | None:
        """What the API says of the repository; None: there is none."""
        api = await self.environment.api()
        url = f"{api.place.url('artifactregistry')}/v1/{self.image.resource}"
        return await api.found(f"Artifact Registry: {self.image.uri}", url)

    def _make(self) -> str:
        image = self.image
        words = ("create", image.repository, "--repository-format=docker", *image.place_options)
        return shell_command("gcloud", "artifacts", "repositories", *words)

    def _need(self) -> Need:
        image = self.image
        words = ("add-iam-policy-binding", image.repository, *image.place_options)
        grant = shell_command("gcloud", "artifacts", "repositories", *words)
        return Need(
            resource=Resource(
                name=f"repository {image.repository}",
                service="artifactregistry",
                path=f"/v1/{image.resource}:testIamPermissions",
                grant=grant,
            ),
            permissions=READ + PUSH * self.pushes,
            roles=("roles/artifactregistry.writer" if self.pushes else _READER,),
            level="error",
        )


_READER = "roles/artifactregistry.reader"
