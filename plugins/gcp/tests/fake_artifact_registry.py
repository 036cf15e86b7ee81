"""Artifact Registry as its API has it, in front of a real registry, in which everybody is called
oauth2accesstoken and whose password is the token that counts.
"""

from dataclasses import dataclass, field
from pathlib import Path

import anyio
import httpx
from aiohttp import web
from anyio.to_thread import run_sync
from launchkit_gcp.gar_names import GarImage
from registry_depot import RepositoryDepot
from waiting import PATIENCE

from launchkit.testing.registry_server import RegistryServer, write_htpasswd

from .fake_google import FakeGoogle, refused

USER = "oauth2accesstoken"
OF_THE_WAY = {"connection", "content-length", "date", "host", "server", "transfer-encoding"}


@dataclass
class FakeArtifactRegistry:
    """Repositories by the names of their resources, with what is said of them."""

    google: FakeGoogle
    repositories: dict[str, dict[str, object]] = field(default_factory=dict)
    served: RegistryServer | None = None
    htpasswd: Path | None = None

    def __post_init__(self) -> None:
        self.google.serve("GET", "/v1/projects/{rest:.+}", self._repository)
        self.google.app.router.add_route("*", "/v2/{rest:.*}", self._image)

    async def _repository(self, request: web.Request) -> web.Response:
        if "artifactregistry.repositories.get" in self.google.lacking:
            return refused(403, "PERMISSION_DENIED", "Permission denied on the repository.")
        about = self.repositories.get(request.path.removeprefix("/v1/"))
        if about is None:
            return refused(404, "NOT_FOUND", "Requested entity was not found.")
        return web.json_response({"format": "DOCKER"} | about)

    async def _image(self, request: web.Request) -> web.Response:
        """As the real registry answers."""
        assert self.served
        headers = {k: v for k, v in request.headers.items() if k.lower() not in OF_THE_WAY}
        async with httpx.AsyncClient(
            base_url=self.served.url, timeout=PATIENCE, verify=self.served.trusted
        ) as client:
            body = await request.read()
            url = str(request.rel_url)
            told = await client.request(request.method, url, headers=headers, content=body)
        kept = {k: v for k, v in told.headers.items() if k.lower() not in OF_THE_WAY}
        return web.Response(status=told.status_code, headers=kept, body=told.content)

    def change(self) -> None:
        """Tokens that were given before are worth nothing, in the registry as well."""
        self.google.change()
        self.admit()

    def admit(self) -> None:
        """Let the token that counts into the registry."""
        assert self.htpasswd
        write_htpasswd(self.htpasswd, USER, self.google.token)


@dataclass
class GarDepot(RepositoryDepot):
    """Images of one name."""

    images: FakeArtifactRegistry
    place: GarImage

    @property
    def server(self) -> RegistryServer:
        assert self.images.served
        return RegistryServer(host=self.images.served.host, login=(USER, self.images.google.token))

    @property
    def path(self) -> str:
        return self.place.path

    async def age(self) -> bool:
        await anyio.sleep(self.images.google.seconds)  # tokens hold for that long
        await run_sync(self.images.change)
        return True
