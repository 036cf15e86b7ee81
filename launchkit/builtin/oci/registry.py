"""A repository of a registry: which images it has, its login, and what it allows."""

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from anyio.to_thread import run_sync

from launchkit.abc import Finding, Registry, Site
from launchkit.errors import ConfigError, LaunchError, Rejected
from launchkit.home import expanded
from launchkit.images.docker_login import docker_login
from launchkit.images.ref import ImageRef
from launchkit.images.registries.names import is_loopback
from launchkit.model import Credentials, Secret

if TYPE_CHECKING:
    from launchkit.images.registries.probe import RegistryProbe

PROBE = "launchkit.images.registries.probe"
"""Imported when an agent needs it: HTTP takes a while."""
USERNAME, PASSWORD = "LAUNCHKIT_REGISTRY_USERNAME", "LAUNCHKIT_REGISTRY_PASSWORD"


@dataclass(kw_only=True)
class OciRegistry(Registry):
    """Any registry of the OCI distribution API, Docker Hub among them."""

    kind: ClassVar[str] = "oci"
    any_host: ClassVar[bool] = True

    uri: str
    """The repository: `host/path`, or as Docker writes those of Docker Hub."""
    username: str | None = None
    password: Secret | None = field(default=None, repr=False)
    """Better named by one of the next two."""
    password_env: str | None = None
    """The agent's variable that holds the password."""
    password_file: str | None = None
    """A file that holds the password; it is read again whenever a login is needed."""
    insecure: bool = False
    """Whether it may be asked without TLS; on this machine it always may."""
    ca: str | None = None
    """A file with certificate authorities to trust beside the machine's."""

    _host: str = field(init=False, repr=False)
    _path: str = field(init=False, repr=False)
    _probe: "RegistryProbe" = field(init=False, repr=False)
    _pushes: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.uri = self.uri.removeprefix("https://").rstrip("/")
        if "/" not in self.uri and re.search(r"[.:]|^localhost$", self.uri):
            raise ValueError(f"uri: {self.uri} is a host; name a repository there: {self.uri}/NAME")
        try:
            place = ImageRef.parse_repository(self.uri)
        except Rejected as exc:
            raise ValueError(f"uri: {exc.message}; {exc.hint}") from exc
        self._host, self._path = place.registry, place.path
        if self.password is not None:
            self.password = Secret(self.password)
        ways = [self.password, self.password_env, self.password_file]
        if len(ways) - ways.count(None) != (self.username is not None):
            raise ValueError(
                "username belongs together with one of password, password_env and password_file"
            )

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Open the connections. :raises ConfigError: if `ca` or the password cannot be read."""
        await self._own_login()
        self._pushes = site.builds
        probe = await run_sync(import_module, PROBE)
        try:
            self._probe = await probe.open_probe(stack, self.ca, self._login, self._plain)
        except OSError as exc:
            raise ConfigError(f"registry.ca: {self.ca}: {exc.strerror or exc}") from exc

    def image_ref(self, tag: str) -> str:
        """The repository with the tag."""
        return f"{self.uri}:{tag}"

    async def exists(self, ref: str) -> bool:
        """Whether an image of that reference can be pulled.

        :raises LaunchError: if the registry cannot be reached, or does not say.
        """
        return (await self._probe.find(ref))[0]

    async def digest(self, ref: str) -> str | None:
        """The digest of the image of that reference; None if there is none.

        :raises LaunchError: if the registry cannot be reached, or does not say.
        """
        return (await self._probe.find(ref))[1]

    async def credentials(self) -> Credentials | None:
        """The login, read afresh; its user is `<token>` if the password is an identity token."""
        return await self._login(self._host)

    async def check(self) -> Sequence[Finding]:
        """Look whether it can be reached, accepts the login, and allows to pull, and to push where
        the agent builds.
        """
        try:
            login = await self.credentials()
        except (LaunchError, ConfigError) as exc:
            subject = f"registry {self._host}"
            return [Finding(level="error", subject=subject, message=str(exc), hint=exc.hint)]
        return await self._probe.examine(self._host, self._path, login, pushes=self._pushes)

    def secret_files(self) -> Mapping[Path, str]:
        """That of the password."""
        return {expanded(self.password_file): "a password"} if self.password_file else {}

    async def _login(self, host: str) -> Credentials | None:
        """The login for a registry. The settings are those of this one, and no other gets them."""
        own = await self._own_login() if host == self._host else None
        return own or await docker_login(host)

    async def _own_login(self) -> Credentials | None:
        """The login of the settings, else of the environment."""
        if self.username is not None:
            return Credentials(username=self.username, password=await self._password())
        username, password = os.environ.get(USERNAME), os.environ.get(PASSWORD)
        if username and password:
            return Credentials(username=username, password=Secret(password))
        return None

    async def _password(self) -> Secret:
        if self.password_env is not None:
            if password := os.environ.get(self.password_env):
                return Secret(password)
            raise ConfigError(
                f"registry.password_env: the variable {self.password_env} is not set",
                hint="set it where the agent is started",
            )
        if self.password_file is not None:
            return await run_sync(_read_password, self.password_file)
        return self.password or Secret("")

    def _plain(self, host: str) -> bool:
        """Whether a host may be asked without TLS."""
        return is_loopback(host) or (self.insecure and host == self._host)


def _read_password(path: str) -> Secret:
    try:
        return Secret(expanded(path).read_text().rstrip("\r\n"))
    except OSError as exc:
        raise ConfigError(f"registry.password_file: {path}: {exc.strerror}") from exc
    except UnicodeDecodeError:
        raise ConfigError(f"registry.password_file: {path}: is not text") from None
