"""Builders that go wrong in a crash or when their server does, most of which `BuilderContract`
cannot tell from right ones.
"""

import io
import tarfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from launchkit.abc import Site
from launchkit.model import BuildRequest, Image
from launchkit.testing import (
    BuilderCrashContract,
    BuilderFaultContract,
    Gateway,
    Server,
    Workshop,
    gateway,
    make_launch,
    registry_server,
    started,
)
from launchkit.testing.trees import File, Link, Tree
from launchkit.testing.waiting import PATIENCE
from mutants import builder_faults
from mutants.builder_pushing import MANIFEST, PushingBuilder
from mutants.table import Mutant


class Pushed(Workshop):
    """Images of one layer in a registry."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.name = f"lk/{uuid4().hex}"

    def request(self, code: Path) -> BuildRequest:
        return BuildRequest(launch=make_launch(), code=code, destination=f"{self.host}/{self.name}")

    def spoil(self, code: Path) -> str:
        code.rename(code.with_name("gone"))
        return code.name

    async def has(self, image: Image) -> bool:
        found = await self._got(f"manifests/{image.ref.rpartition(':')[2]}")
        return found.headers.get("docker-content-digest") == image.digest

    async def code(self, image: Image) -> Tree:
        found = (await self._got(f"manifests/{image.ref.rpartition(':')[2]}")).json()
        layer = await self._got(f"blobs/{found['layers'][0]['digest']}")
        with tarfile.open(fileobj=io.BytesIO(layer.content)) as tar:
            return {each.name: _read(tar, each) for each in tar if not each.isdir()}

    async def _got(self, what: str) -> httpx.Response:
        async with httpx.AsyncClient(headers={"Accept": MANIFEST}, timeout=PATIENCE) as client:
            return await client.get(f"http://{self.host}/v2/{self.name}/{what}")


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> File | Link:
    if member.issym():
        return Link(member.linkname)
    data = tar.extractfile(member)
    assert data
    return File(data.read(), bool(member.mode & 0o100))


class Served:
    """The fixtures of both suites, for a class that is nearly the pushing builder."""

    patience = 10.0
    made: type[PushingBuilder] = PushingBuilder

    @pytest.fixture(scope="class")
    @classmethod
    def host(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
        with registry_server(tmp_path_factory.mktemp("served")) as server:
            yield server.host

    @pytest.fixture
    def workshop(self, host: str) -> Pushed:
        return Pushed(host)


class FaultSuite(Served, BuilderFaultContract):
    @pytest.fixture
    async def gateway(self, host: str) -> AsyncIterator[Gateway]:
        async with gateway(host) as way:
            yield way

    @pytest.fixture
    async def builder(self, site: Site, gateway: Gateway) -> AsyncIterator[PushingBuilder]:
        async with started(self.made(api=gateway.host), site) as builder:
            yield builder


class CrashSuite(Served, BuilderCrashContract):
    patience = 20.0

    @pytest.fixture
    async def builder(self, site: Site, host: str) -> AsyncIterator[PushingBuilder]:
        async with started(self.made(api=host), site) as builder:
            yield builder

    @pytest.fixture
    def counterpart(self, host: str) -> Server:
        return Server(host, settings={"api": "{host}"})


FAULTS = {
    "a refused request is not repeated": builder_faults.AsksOnce,
    "gives up when it is throttled": builder_faults.GivesUpWhenThrottled,
    "ignores Retry-After when throttled": builder_faults.IgnoresRetryAfter,
    "takes a lost answer for a failure": builder_faults.TakesALostAnswerForFailure,
    "takes a lost answer for success": builder_faults.TakesNoAnswerForSuccess,
    "takes what is throttled for there": builder_faults.TakesThrottledForThere,
    "takes what is refused for there": builder_faults.TakesRefusedForThere,
    "repeats an upload that is over": builder_faults.RepeatsThePutAlone,
    "repeats a push under another name": builder_faults.NamesEachTry,
    "repeats with the rest of a stream": builder_faults.SendsTheRestOfAStream,
    "pushes no code after trouble": builder_faults.EmptyAfterTrouble,
    "waits for ever for a lost answer": builder_faults.WaitsForEver,
}
CRASHES = {
    "leaves a lock": builder_faults.LeavesALock,
    "tags before the code is there": builder_faults.TagsFirst,
    "notes what it has not built": builder_faults.NotesFirst,
    "a name holds the process": builder_faults.NamesHoldTheProcess,
    "pushes what is half cached": builder_faults.CachesHalf,
    "refuses what a killed one pushed": builder_faults.RefusesWhatIsThere,
}
FAST = {"takes a lost answer for success"}
MUTANTS = (
    *(
        Mutant(defect, FaultSuite, {"made": made}, defect in FAST)
        for defect, made in FAULTS.items()
    ),
    *(Mutant(defect, CrashSuite, {"made": made}) for defect, made in CRASHES.items()),
)
VARIANTS = (
    Mutant("the builder itself, with faults", FaultSuite, {}),
    Mutant("the builder itself, in crashes", CrashSuite, {}),
)
