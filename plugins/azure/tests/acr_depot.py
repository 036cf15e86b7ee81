"""A repository behind Azure's token service, as the suites for registries see it."""

from dataclasses import dataclass

import anyio
import httpx
from fake_acr import FakeAcr
from registry_depot import RepositoryDepot

from launchkit.testing import RegistryServer


@dataclass
class AcrDepot(RepositoryDepot):
    """A repository of its own."""

    acr: FakeAcr
    name: str

    @property
    def server(self) -> RegistryServer:
        return self.acr.server(self.name)

    @property
    def path(self) -> str:
        return self.name

    @property
    def login_url(self) -> httpx.URL:
        asked = {"service": self.acr.host, "scope": f"repository:{self.name}:pull"}
        return httpx.URL(f"{self.acr.url}/oauth2/token", params=asked)

    async def age(self) -> bool:
        await anyio.sleep(self.acr.seconds)  # logins hold for that long
        return True
