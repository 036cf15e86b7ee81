"""ECR as its API has it, in front of a real registry, whose only user is called AWS."""

import base64
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
from anyio.to_thread import run_sync
from launchkit_aws.ecr_names import EcrRepository
from registry_depot import RepositoryDepot

from launchkit.testing.registry_server import RegistryServer, write_htpasswd

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
        server = RegistryServer(host=self.served.host, login=(USER, self.password))
        sign = "@" if ":" in version else ":"
        return await run_sync(server.digest, f"{server.host}/{name}{sign}{version}")

    def change(self, password: str) -> None:
        """Logins that were given before are worth nothing."""
        write_htpasswd(self.htpasswd, USER, password)
        self.password = password


@dataclass
class EcrDepot(RepositoryDepot):
    """A repository of its own."""

    api: EcrApi
    place: EcrRepository

    @property
    def server(self) -> RegistryServer:
        return RegistryServer(host=self.api.served.host, login=(USER, self.api.password))

    @property
    def path(self) -> str:
        return self.place.name

    async def age(self) -> bool:
        await anyio.sleep(self.api.seconds)  # logins hold for that long
        await run_sync(self.api.change, uuid4().hex)
        return True
