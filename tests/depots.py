"""What is behind the registries of launchkit when they are tested."""

import ssl
import subprocess
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx
from anyio.to_thread import run_sync
from registry.conftest import PASSWORD, USER, Served, let_in

from launchkit.errors import LaunchError
from launchkit.model import Credentials
from launchkit.testing import Depot, FakeRegistry, Relay, Throttle, Way, relay

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


class Broken(Relay):
    """A way on which each connection breaks while the registry is to be away."""

    away = False

    async def on_request(self, way: Way, data: bytes) -> None:
        if self.away:
            raise ConnectionAbortedError
        await super().on_request(way, data)


@dataclass
class ServedDepot(Depot):
    """A repository of its own in a registry that runs; its password is in a file."""

    served: Served
    password_file: Path
    way: Broken
    """Before the registry."""

    @classmethod
    @asynccontextmanager
    async def of(cls, served: Served, password_file: Path) -> AsyncIterator[Self]:
        """In a new repository; the first password holds again at the end, for other tests."""
        path = f"lk/{uuid4().hex[:12]}"
        headers = let_in(served.issuer, path) if served.issuer else {}
        way = Broken(served.host)
        async with relay(way):
            depot = cls(replace(served, path=path, headers=headers), password_file, way)
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
            made = subprocess.run(
                ["htpasswd", "-Bni", USER], input=password.encode(), check=True, capture_output=True
            )
            self.served.htpasswd.write_bytes(made.stdout)
            self.served = replace(self.served, login=(USER, password))

    async def push(self, tag: str) -> str:
        return await run_sync(self.served.push, self.served.path, tag, uuid4().hex)

    async def remove(self, tag: str) -> None:
        await run_sync(self.served.remove, tag)

    async def tags(self) -> Collection[str]:
        return await run_sync(self.served.tags)

    async def accepts(self, login: Credentials) -> bool:
        url = self.served.issuer.url if self.served.issuer else f"{self.served.url}/v2/"
        ca = self.served.ca
        trusted = ssl.create_default_context(cafile=ca) if ca else True
        auth = (login.username, str.__str__(login.password))
        async with httpx.AsyncClient(verify=trusted, auth=auth) as client:
            return (await client.get(url)).status_code == httpx.codes.OK

    async def age(self) -> bool:
        await run_sync(self._change, uuid4().hex)
        return True

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        self.way.away = True
        yield
        self.way.away = False
