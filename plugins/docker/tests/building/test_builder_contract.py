"""The suites of builders and registries."""

import io
import shutil
import tarfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from anyio.to_thread import run_sync
from docker_engine import Engine
from launchkit_docker.builder import DockerBuilder
from launchkit_docker.images.registry import LocalRegistry
from waiting import PATIENCE

from launchkit.abc import Site
from launchkit.images.ref import ImageRef
from launchkit.model import ArchiveSource, BuildRequest, Image
from launchkit.testing import (
    BuilderContract,
    Depot,
    RegistryContract,
    Workshop,
    make_launch,
    started,
)
from launchkit.testing.trees import File, Link, Tree

from ..workshop import BUSYBOX, LABEL

pytestmark = pytest.mark.long

COPIES = "FROM scratch\nLABEL {label}={word}\nCOPY . /code/\n"
FAILS = """\
FROM scratch
LABEL {label}={word}
COPY busybox /bin/
RUN ["/bin/busybox", "sh", "-c", "echo it-is-broken; exit 3"]
"""
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFESTS = (
    INDEX,
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


@dataclass
class Pushed(Workshop):
    """Images that are pushed to a registry; their code is one layer."""

    host: str
    word: str

    def request(self, code: Path) -> BuildRequest:
        (code / "Dockerfile").write_text(COPIES.format(label=LABEL, word=self.word))
        source = ArchiveSource(digest="d", size=1, name=self.word)
        launch = make_launch(source=source, dockerfile="Dockerfile")
        destination = f"{self.host}/{self.word}/job"
        return BuildRequest(launch=launch, code=code, destination=destination)

    def spoil(self, code: Path) -> str:
        shutil.copy(BUSYBOX, code / "busybox")
        (code / "Dockerfile").write_text(FAILS.format(label=LABEL, word=self.word))
        return "it-is-broken"

    async def has(self, image: Image) -> bool:
        found = await self._get(f"manifests/{ImageRef.parse(image.ref).version}")
        told = found.headers.get("docker-content-digest")
        return found.is_success and image.digest in {None, told}

    async def code(self, image: Image) -> Tree:
        manifest = await self._manifest(ImageRef.parse(image.ref).version)
        layer = await self._get(f"blobs/{manifest['layers'][-1]['digest']}")
        with tarfile.open(fileobj=io.BytesIO(layer.content)) as tar:
            return {
                each.name.removeprefix("code/"): _read(tar, each)
                for each in tar
                if not each.isdir() and each.name != "code/Dockerfile"
            }

    async def _manifest(self, version: str) -> Mapping[str, Any]:
        found = (await self._get(f"manifests/{version}")).json()
        if "manifests" in found:
            return await self._manifest(found["manifests"][0]["digest"])
        return dict(found)

    async def _get(self, what: str) -> httpx.Response:
        headers = {"Accept": ", ".join(MANIFESTS)}
        async with httpx.AsyncClient(
            follow_redirects=True, headers=headers, timeout=PATIENCE
        ) as client:
            return await client.get(f"http://{self.host}/v2/{self.word}/job/{what}")


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> File | Link:
    if member.issym():
        return Link(member.linkname)
    data = tar.extractfile(member)
    assert data
    return File(data.read(), bool(member.mode & 0o100))


@dataclass
class EngineDepot(Depot):
    """The images of the Engine."""

    engine: Engine
    name: str
    folder: Path

    async def push(self, tag: str) -> None:
        tar = self.folder / "empty.tar"
        tarfile.open(tar, "w").close()
        label = f"LABEL {LABEL}={uuid4().hex}"
        await run_sync(self.engine.load, tar, f"{self.name}:{tag}", label)

    async def remove(self, tag: str) -> None:
        await run_sync(self.engine.remove, f"{self.name}:{tag}")


@pytest.fixture(params=[False, True], ids=["classic", "buildkit"])
def buildkit(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


class TestDockerBuilder(BuilderContract):
    can_be_away = False

    @pytest.fixture
    def builder(self, builder: DockerBuilder) -> DockerBuilder:
        return builder

    @pytest.fixture
    def workshop(self, host: str, word: str) -> Pushed:
        return Pushed(host, word)


class TestLocalRegistry(RegistryContract):
    can_be_away = False

    @pytest.fixture
    async def registry(self, site: Site, word: str) -> AsyncIterator[LocalRegistry]:
        async with started(LocalRegistry(uri=word), site) as registry:
            yield registry

    @pytest.fixture
    def depot(self, docker_engine: Engine, word: str, tmp_path: Path) -> EngineDepot:
        return EngineDepot(docker_engine, f"launchkit.invalid/{word}", tmp_path)
