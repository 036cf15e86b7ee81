"""A registry of Azure, asked; imported when it is asked for the first time."""

import re
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from launchkit.abc import Finding
from launchkit.errors import ConfigError, LaunchError
from launchkit.images.registries.names import is_loopback
from launchkit.images.registries.probe import RegistryProbe, open_probe
from launchkit.model import Credentials
from launchkit_azure.acr_login import AcrLogins
from launchkit_azure.acr_names import HOST, AcrRepository
from launchkit_azure.environment import AzureEnvironment
from launchkit_azure.errors import soon
from launchkit_azure.roles import role_line
from launchkit_azure.tokens import Token

LOGIN_SECONDS = 15.0
"""So long a check waits for a login: an image that took an hour to build may wait for it."""


async def open_service(
    stack: AsyncExitStack, environment: AzureEnvironment, place: AcrRepository, *, pushes: bool
) -> "AcrService":
    """What asks the registry. :raises ConfigError: if `ca` of the environment cannot be read."""
    service = AcrService(environment, place, pushes)
    ca = environment.place.ca
    try:
        service.probe = await open_probe(stack, ca, service.known, is_loopback)
    except OSError as exc:
        raise ConfigError(f"environment.ca: {ca}: {exc.strerror or exc}") from exc
    return service


@dataclass(eq=False)
class AcrService:
    """A repository; *pushes* says whether images are put there."""

    environment: AzureEnvironment
    place: AcrRepository
    pushes: bool
    probe: RegistryProbe = field(init=False)
    _logins: AcrLogins = field(init=False)

    def __post_init__(self) -> None:
        self._logins = AcrLogins(self._token, self._hint)

    async def find(self, ref: str) -> tuple[bool, str | None]:
        """Whether there is an image, and its digest; in this or any other registry of Azure."""
        return await self.probe.find(ref)

    async def login(self) -> Credentials:
        """A login, in the form that Docker and all like it take."""
        return await self._logins.get(self.place.host, self.probe.client)

    async def known(self, host: str) -> Credentials | None:
        """The same for any registry of Azure, in the form that its token service is asked with."""
        if host != self.place.host and not re.fullmatch(HOST, host):
            return None
        login = await self._logins.get(host, self.probe.client)
        return Credentials(username=Credentials.IDENTITY, password=login.password)

    async def findings(self) -> Sequence[Finding]:
        """Whether there is a login, and what it allows."""
        host, path = self.place.host, self.place.name
        try:
            with soon(LOGIN_SECONDS):
                login, token = await self.login(), await self._token()
            hint = self._hint(host, token)
            return await self.probe.examine(host, path, login, pushes=self.pushes, hint=hint)
        except LaunchError as exc:
            subject = f"registry {host}"
            return [Finding(level="error", subject=subject, message=exc.message, hint=exc.hint)]

    async def _token(self) -> Token:
        return await self.environment.token(self.environment.place.cloud.registry_audience)

    def _hint(self, host: str, token: Token) -> str:
        role = "AcrPush" if self.pushes else "AcrPull"
        return role_line(role, token.principal, AcrRepository(host, self.place.name).scope)
