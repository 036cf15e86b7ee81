"""Artifact Registry as its API has it, in front of a real registry, in which everybody is called
oauth2accesstoken and whose password is the token that counts.
"""

import subprocess
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import anyio
import httpx
from aiohttp import web
from anyio.to_thread import run_sync
from launchkit_gcp.gar_names import GarImage

from launchkit.model import Credentials
from launchkit.testing import Depot, Relay, Way
from launchkit.testing.registry_server import MANIFEST, RegistryServer

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
        async with httpx.AsyncClient(base_url=self.served.url) as client:
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
        password = self.google.token.encode()
        command = ["htpasswd", "-Bni", USER]
        made = subprocess.run(command, input=password, check=True, capture_output=True)
        self.htpasswd.write_bytes(made.stdout)


class Broken(Relay):
    """A way on which each connection breaks while Google is to be away."""

    away = False

    async def on_request(self, way: Way, data: bytes) -> None:
        if self.away:
            raise ConnectionAbortedError
        await super().on_request(way, data)


@dataclass
class GarDepot(Depot):
    """Images of one name."""

    images: FakeArtifactRegistry
    way: Broken
    place: GarImage

    @property
    def server(self) -> RegistryServer:
        """The registry, with the login that counts now."""
        assert self.images.served
        return RegistryServer(host=self.images.served.host, login=(USER, self.images.google.token))

    async def push(self, tag: str) -> str:
        return await run_sync(self.server.push, self.place.path, tag, uuid4().hex)

    async def remove(self, tag: str) -> None:
        def act() -> None:
            with self.server.client() as client:
                path = f"/v2/{self.place.path}/manifests"
                found = client.head(f"{path}/{tag}", headers={"Accept": MANIFEST})
                digest = found.raise_for_status().headers["docker-content-digest"]
                client.delete(f"{path}/{digest}").raise_for_status()

        await run_sync(act)

    async def tags(self) -> Collection[str]:
        def act() -> Collection[str]:
            with self.server.client() as client:
                found = client.get(f"/v2/{self.place.path}/tags/list")
            return found.json()["tags"] or [] if found.is_success else []

        return await run_sync(act)

    async def accepts(self, login: Credentials) -> bool:
        auth = (login.username, str.__str__(login.password))
        async with httpx.AsyncClient(auth=auth) as client:
            return (await client.get(f"{self.server.url}/v2/")).status_code == httpx.codes.OK

    async def age(self) -> bool:
        await anyio.sleep(self.images.google.seconds)  # tokens hold for that long
        await run_sync(self.images.change)
        return True

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        self.way.away = True
        yield
        self.way.away = False
