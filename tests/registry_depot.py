"""A repository in a registry that runs, as the suites for registries see it."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import httpx
from anyio.to_thread import run_sync
from waiting import PATIENCE

from launchkit.model import Credentials
from launchkit.testing import Depot, RegistryServer, Relay, Way


class Broken(Relay):
    """A way on which each connection breaks while the registry is to be away."""

    away = False

    async def on_request(self, way: Way, data: bytes) -> None:
        if self.away:
            raise ConnectionAbortedError
        await super().on_request(way, data)


@dataclass
class RepositoryDepot(Depot):
    """The images of one name."""

    way: Broken
    """Before the registry."""

    @property
    @abstractmethod
    def server(self) -> RegistryServer:
        """The registry, with what is let in now."""

    @property
    @abstractmethod
    def path(self) -> str:
        """The repository's, in the registry."""

    @property
    def login_url(self) -> httpx.URL:
        """What answers those alone whose login counts."""
        return httpx.URL(f"{self.server.url}/v2/")

    async def push(self, tag: str) -> str:
        return await run_sync(self.server.push, self.path, tag, uuid4().hex)

    async def remove(self, tag: str) -> None:
        await run_sync(self.server.remove, self.path, tag)

    async def tags(self) -> Collection[str]:
        return await run_sync(self.server.tags, self.path)

    async def accepts(self, login: Credentials) -> bool:
        trusted = self.server.trusted
        auth = (login.username, str.__str__(login.password))
        async with httpx.AsyncClient(verify=trusted, auth=auth, timeout=PATIENCE) as client:
            return (await client.get(self.login_url)).status_code == httpx.codes.OK

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        self.way.away = True
        yield
        self.way.away = False
