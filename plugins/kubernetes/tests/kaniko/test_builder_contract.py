"""The builder `kaniko` keeps to the contract of builders, on a real cluster."""

import io
import shutil
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
from launchkit_kubernetes.builder import KanikoBuilder
from waiting import PATIENCE

from launchkit.abc import Builder, Site
from launchkit.images.ref import ImageRef
from launchkit.model import ArchiveSource, BuildRequest, Image
from launchkit.testing import BuilderContract, Workshop, make_launch
from launchkit.testing.contracts.conduct import MOMENTS
from launchkit.testing.trees import File, Link, Tree

from .conftest import LOGIN
from .registries import NearRegistry

BUSYBOX = Path("/bin/busybox")
COPIES = "FROM scratch\nCOPY . /code/\n"
FAILS = """\
FROM scratch
COPY busybox /bin/
RUN ["/bin/busybox", "sh", "-c", "echo it-is-broken; exit 3"]
"""
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


@dataclass
class Pushed(Workshop):
    """Images that are pushed to a registry; their code is one layer."""

    near: NearRegistry
    word: str
    passwords: ClassVar[tuple[str, ...]] = (LOGIN[1],)

    def request(self, code: Path) -> BuildRequest:
        (code / "Dockerfile").write_text(COPIES)
        source = ArchiveSource(digest="d", size=1, name=self.word)
        launch = make_launch(source=source, dockerfile="Dockerfile")
        return BuildRequest(launch=launch, code=code, destination=f"{self.near.host}/{self.word}")

    def spoil(self, code: Path) -> str:
        shutil.copy(BUSYBOX, code / "busybox")
        (code / "Dockerfile").write_text(FAILS)
        return "it-is-broken"

    async def has(self, image: Image) -> bool:
        found = await self._get(f"manifests/{ImageRef.parse(image.ref).version}")
        told = found.headers.get("docker-content-digest")
        return found.is_success and image.digest in {None, told}

    async def code(self, image: Image) -> Tree:
        manifest = (await self._get(f"manifests/{ImageRef.parse(image.ref).version}")).json()
        layer = await self._get(f"blobs/{manifest['layers'][-1]['digest']}")
        with tarfile.open(fileobj=io.BytesIO(layer.content)) as tar:
            return {
                each.name.removeprefix("code/"): _read(tar, each)
                for each in tar
                if not each.isdir() and each.name != "code/Dockerfile"
            }

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        self.near.close()
        try:
            yield
        finally:
            self.near.open()

    async def _get(self, what: str) -> httpx.Response:
        headers = {"Accept": ", ".join(MANIFESTS)}
        async with httpx.AsyncClient(headers=headers, auth=LOGIN, timeout=PATIENCE) as client:
            return await client.get(f"http://{self.near.host}/v2/{self.word}/{what}")


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> File | Link:
    if member.issym():
        return Link(member.linkname)
    data = tar.extractfile(member)
    assert data
    return File(data.read(), bool(member.mode & 0o100))


@pytest.mark.thorough
class TestKanikoBuilder(BuilderContract):
    patience = 150.0  # pods start slowly where much else goes on

    @pytest.mark.parametrize("after", MOMENTS[1::2])  # for the same reason
    async def test_a_build_that_is_cancelled_ends_and_spoils_no_other(
        self, builder: Builder, workshop: Workshop, request_: BuildRequest, after: float
    ) -> None:
        await super().test_a_build_that_is_cancelled_ends_and_spoils_no_other(
            builder, workshop, request_, after
        )

    @pytest.fixture
    def site(self, near_site: Site) -> Site:
        return near_site

    @pytest.fixture
    def builder(self, builder: KanikoBuilder) -> KanikoBuilder:
        return builder

    @pytest.fixture
    def workshop(self, near: NearRegistry, word: str) -> Pushed:
        return Pushed(near, word)
