"""A store on a real SQLite file, with a clock that the test sets."""

import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from launchkit.abc import LaunchRequest
from launchkit.model import (
    AgentCapacity,
    AgentStatus,
    Claim,
    ImageSource,
    ItemReport,
    ItemState,
    LaunchSpec,
    Priority,
    QueueItem,
    QueueSpec,
    Recipe,
)
from launchkit.store import claims, launches, queues, submitting
from launchkit.store.database import Database, Tx
from launchkit.store.opening import database_of
from launchkit.store.queue_masks import written

T = TypeVar("T")
LEASE = 30.0


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def spec(name: str = "run", image: str = "img") -> LaunchSpec:
    return LaunchSpec(recipe=Recipe(source=ImageSource(image=image)), name=name)


def capacity(agent: str = "a", site: str = "here") -> AgentCapacity:
    return AgentCapacity(agent=agent, site=site, resources=frozenset({"local-process"}))


def status(agent: str = "a") -> AgentStatus:
    return AgentStatus(
        name=agent,
        host="h",
        pid=1,
        version="0",
        entity="e",
        queues=("q",),
        max_jobs=1,
        started_at=0.0,
    )


@dataclass
class Store:
    """The calls that tests make most, short."""

    database: Database
    clock: Clock

    async def queue(self, name: str = "q", **settings: object) -> None:
        made = QueueSpec(name=name, resource="local-process", **settings)  # type: ignore[arg-type]
        await self.write(queues.Create("e", made, "ann"))

    async def launch(
        self,
        name: str = "run",
        *,
        queue: str = "q",
        priority: Priority | None = None,
        key: str | None = None,
        image: str = "img",
    ) -> QueueItem:
        request = LaunchRequest(
            spec=spec(name, image), actor="ann", priority=priority, idempotency_key=key
        )
        return await self.write(submitting.Launch("e", queue, request))

    async def claim(
        self, agent: str = "a", *, queue: str = "q", site: str = "here"
    ) -> Claim | None:
        return await self.write(claims.Take("e", queue, capacity(agent, site), LEASE))

    async def claimed(self, agent: str = "a", *, site: str = "here") -> Claim:
        claim = await self.claim(agent, site=site)
        assert claim is not None
        return claim

    async def report(self, claim: Claim, state: ItemState, **facts: object) -> None:
        report = ItemReport(state=state, **facts)  # type: ignore[arg-type]
        await self.write(claims.Report(claim, report))

    async def item(self, ref: str) -> QueueItem:
        return (await self.database.read(launches.Get("e", ref))).item

    async def why(self, item: QueueItem) -> str | None:
        return (await self.database.read(launches.Get("e", item.id))).reason

    async def write(self, body: Callable[[Tx], Awaitable[T]]) -> T:
        return await written(self.database, body)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/launchkit.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def store(url: str, clock: Clock) -> AsyncIterator[Store]:
    database = database_of(url, clock)
    async with database.opened():
        yield Store(database, clock)


@contextlib.contextmanager
def mounted(folder: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
        pytest.skip("a small file system can be mounted only as root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk") as folder:
        yield folder


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
