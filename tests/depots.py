"""What is behind the registries of launchkit when they are tested."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx
from anyio.to_thread import run_sync
from registry.conftest import PASSWORD, USER, Served, let_in
from registry_depot import Broken, RepositoryDepot

from launchkit.errors import LaunchError
from launchkit.model import Credentials
from launchkit.testing import Depot, FakeRegistry, Throttle, relay
from launchkit.testing.registry_server import write_htpasswd

AWAY = LaunchError("the registry fake cannot be reached")


@dataclass
class FakeDepot(Depot):
    """The images of a fake registry."""

    registry: FakeRegistry

    async def push(self, tag: str) -> str:
        digest = f"sha256:{uuid4().hex * 2}"
        self.registry.images.digests[f"{self.registry.name}:{tag}"] = digest
        return digest

    async def remove(self, tag: str) -> None:
        del self.registry.images.digests[f"{self.registry.name}:{tag}"]

    async def tags(self) -> Collection[str]:
        return [ref.rpartition(":")[2] for ref in self.registry.images.digests]

    async def accepts(self, login: Credentials) -> bool:
        return str.__str__(login.password) == self.registry.images.password

    async def age(self) -> bool:
        self.registry.images.password = uuid4().hex
        return True

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        faults = self.registry.images.faults
        faults.add(*(Throttle(call, times=9, error=AWAY) for call in ("exists", "digest")))
        yield
        faults.clear()


@dataclass
class ServedDepot(RepositoryDepot):
    """A repository of its own in a registry that runs; its password is in a file."""

    served: Served
    password_file: Path

    @property
    def server(self) -> Served:
        return self.served

    @property
    def path(self) -> str:
        return self.served.path

    @property
    def login_url(self) -> httpx.URL:
        issuer = self.served.issuer
        return httpx.URL(issuer.url) if issuer else super().login_url

    @classmethod
    @asynccontextmanager
    async def of(cls, served: Served, password_file: Path) -> AsyncIterator[Self]:
        """In a new repository; the first password holds again at the end, for other tests."""
        path = f"lk/{uuid4().hex[:12]}"
        headers = let_in(served.issuer, path) if served.issuer else {}
        way = Broken(served.host)
        async with relay(way):
            depot = cls(way, replace(served, path=path, headers=headers), password_file)
            password_file.touch(0o600)
            password_file.write_text(PASSWORD)
            yield depot
            depot._change(PASSWORD)

    @property
    def settings(self) -> dict[str, Any]:
        """Those of an `OciRegistry`."""
        found = {"uri": f"{self.way.host}/{self.served.path}"}
        if self.served.ca:
            found["ca"] = str(self.served.ca)
        if self.served.login or self.served.issuer:
            found |= {"username": USER, "password_file": str(self.password_file)}
        return found

    def _change(self, password: str) -> None:
        self.password_file.write_text(password)
        if self.served.issuer:
            self.served.issuer.expect(password)
        elif self.served.htpasswd:
            write_htpasswd(self.served.htpasswd, USER, password)
            self.served = replace(self.served, login=(USER, password))

    async def age(self) -> bool:
        await run_sync(self._change, uuid4().hex)
        return True
