"""ECR as its API has it, in front of a real registry, whose only user is called AWS."""

import base64
import subprocess
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import httpx
from anyio.to_thread import run_sync
from launchkit_aws.ecr_names import EcrRepository

from launchkit.model import Credentials
from launchkit.testing import Depot, Relay, Way
from launchkit.testing.registry_server import DOCKER_MANIFEST, MANIFEST, RegistryServer

from .fake_aws import AwsFault

ACCOUNT = "123456789012"
USER = "AWS"
HALF_A_DAY = 12 * 3600.0


@dataclass
class EcrApi:
    """What is asked of ECR; images are those that the registry has."""

    served: RegistryServer
    htpasswd: Path
    password: str
    seconds: float = HALF_A_DAY
    """How long a login holds."""
    repositories: set[str] = field(default_factory=set)
    immutable: set[str] = field(default_factory=set)
    may_create: bool = True
    logins: int = 0

    def GetAuthorizationToken(self, body: Any) -> Any:
        self.logins += 1
        token = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
        ends, place = time.time() + self.seconds, self.served.url
        data = {"authorizationToken": token, "expiresAt": ends, "proxyEndpoint": place}
        return {"authorizationData": [data]}

    def DescribeRepositories(self, body: Any) -> Any:
        told = []
        for name in body["repositoryNames"]:
            self._look(name)
            tags = "IMMUTABLE" if name in self.immutable else "MUTABLE"
            told.append({"repositoryName": name, "imageTagMutability": tags})
        return {"repositories": told}

    def CreateRepository(self, body: Any) -> Any:
        name = body["repositoryName"]
        if not self.may_create:
            why = f"User: ann is not authorized to perform: ecr:CreateRepository on {name}"
            raise AwsFault("AccessDeniedException", why)
        if name in self.repositories:
            raise AwsFault("RepositoryAlreadyExistsException", f"{name} already exists")
        self.repositories.add(name)
        return {"repository": {"repositoryName": name}}

    async def DescribeImages(self, body: Any) -> Any:
        name, told = body["repositoryName"], []
        self._look(name)
        for image in body["imageIds"]:
            version = image.get("imageDigest") or image["imageTag"]
            digest = await self._digest(name, version)
            if digest is None:
                raise AwsFault(
                    "ImageNotFoundException",
                    f"The image with imageId {image} does not exist within the repository",
                )
            tags = {"imageTags": [image["imageTag"]]} if "imageTag" in image else {}
            told.append({"repositoryName": name, "imageDigest": digest, **tags})
        return {"imageDetails": told}

    def _look(self, name: str) -> None:
        if name not in self.repositories:
            raise AwsFault("RepositoryNotFoundException", f"The repository {name} does not exist")

    async def _digest(self, name: str, version: str) -> str | None:
        accept = {"Accept": f"{MANIFEST}, {DOCKER_MANIFEST}"}
        login = (USER, self.password)
        async with httpx.AsyncClient(base_url=self.served.url, auth=login) as client:
            answer = await client.head(f"/v2/{name}/manifests/{version}", headers=accept)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        return str(answer.raise_for_status().headers["docker-content-digest"])

    def change(self, password: str) -> None:
        """Logins that were given before are worth nothing."""
        made = subprocess.run(
            ["htpasswd", "-Bni", USER], input=password.encode(), check=True, capture_output=True
        )
        self.htpasswd.write_bytes(made.stdout)
        self.password = password


class Broken(Relay):
    """A way on which each connection breaks while ECR is to be away."""

    away = False

    async def on_request(self, way: Way, data: bytes) -> None:
        if self.away:
            raise ConnectionAbortedError
        await super().on_request(way, data)


@dataclass
class EcrDepot(Depot):
    """A repository of its own."""

    api: EcrApi
    way: Broken
    place: EcrRepository

    @property
    def server(self) -> RegistryServer:
        """The registry, with the login that holds now."""
        return RegistryServer(host=self.api.served.host, login=(USER, self.api.password))

    async def push(self, tag: str) -> str:
        return await run_sync(self.server.push, self.place.name, tag, uuid4().hex)

    async def remove(self, tag: str) -> None:
        def act() -> None:
            with self.server.client() as client:
                path = f"/v2/{self.place.name}/manifests"
                found = client.head(f"{path}/{tag}", headers={"Accept": MANIFEST})
                digest = found.raise_for_status().headers["docker-content-digest"]
                client.delete(f"{path}/{digest}").raise_for_status()

        await run_sync(act)

    async def tags(self) -> Collection[str]:
        def act() -> Collection[str]:
            with self.server.client() as client:
                found = client.get(f"/v2/{self.place.name}/tags/list")
            return found.json()["tags"] or [] if found.is_success else []

        return await run_sync(act)

    async def accepts(self, login: Credentials) -> bool:
        auth = (login.username, str.__str__(login.password))
        async with httpx.AsyncClient(auth=auth) as client:
            return (await client.get(f"{self.api.served.url}/v2/")).status_code == httpx.codes.OK

    async def age(self) -> bool:
        await anyio.sleep(self.api.seconds)  # logins hold for that long
        await run_sync(self.api.change, uuid4().hex)
        return True

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        self.way.away = True
        yield
        self.way.away = False
