"""A repository behind Azure's token service, as the suites for registries see it."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import anyio
import httpx
from anyio.to_thread import run_sync
from fake_acr import FakeAcr

from launchkit.model import Credentials
from launchkit.testing import Depot, Relay, Way
from launchkit.testing.registry_server import MANIFEST


class Broken(Relay):
    """A way on which each connection breaks while the registry is to be away."""

    away = False

    async def on_request(self, way: Way, data: bytes) -> None:
        if self.away:
            raise ConnectionAbortedError
        await super().on_request(way, data)


@dataclass
class AcrDepot(Depot):
    """A repository of its own."""

    acr: FakeAcr
    way: Broken
    name: str

    async def push(self, tag: str) -> str:
        return await run_sync(self.acr.server(self.name).push, self.name, tag, uuid4().hex)

    async def remove(self, tag: str) -> None:
        def act() -> None:
            with self.acr.server(self.name).client() as client:
                path = f"/v2/{self.name}/manifests"
                found = client.head(f"{path}/{tag}", headers={"Accept": MANIFEST})
                digest = found.raise_for_status().headers["docker-content-digest"]
                client.delete(f"{path}/{digest}").raise_for_status()

        await run_sync(act)

    async def tags(self) -> Collection[str]:
        def act() -> Collection[str]:
            with self.acr.server(self.name).client() as client:
                found = client.get(f"/v2/{self.name}/tags/list")
            return found.json()["tags"] or [] if found.is_success else []

        return await run_sync(act)

    async def accepts(self, login: Credentials) -> bool:
        auth = (login.username, str.__str__(login.password))
        async with httpx.AsyncClient(auth=auth) as client:
            asked = {"service": self.acr.host, "scope": f"repository:{self.name}:pull"}
            answer = await client.get(f"{self.acr.url}/oauth2/token", params=asked)
        return answer.status_code == httpx.codes.OK

    async def age(self) -> bool:
        await anyio.sleep(self.acr.seconds)  # logins hold for that long
        return True

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        self.way.away = True
        yield
        self.way.away = False
