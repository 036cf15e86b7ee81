"""What environments with one defect are made of, and their suite."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from anyio.to_thread import run_sync
from contracts.test_local import TestLocalEnvironment

from launchkit.abc import Environment, Site
from launchkit.builtin.local import LocalEnvironment, local_path
from launchkit.errors import LaunchError
from launchkit.testing import started


@dataclass(kw_only=True)
class Steps(LocalEnvironment):
    """A right one in small steps, so that each can be done wrong."""

    def __post_init__(self) -> None:
        """For those with something to remember."""

    async def start(self, stack: Any, site: Site) -> None:
        self.site = site

    async def upload(self, source: Path, uri: str) -> None:
        target = await self.target(uri)
        try:
            await self.store(source, target)
        except OSError as exc:
            raise self.failure(source, target, exc) from exc

    async def target(self, uri: str) -> Path:
        return local_path(uri)

    def failure(self, source: Path, target: Path, exc: OSError) -> Any:
        return LaunchError(f"cannot copy {source} to {target}: {exc.strerror}")

    async def store(self, source: Path, target: Path) -> None:
        await run_sync(self.copy, source, target)

    def copy(self, source: Path, target: Path) -> None:
        self.put(self.read(source), target)

    def read(self, source: Path) -> bytes:
        return source.read_bytes()

    def put(self, data: bytes, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{uuid4().hex}")
        part.write_bytes(data)
        part.replace(target)


class Suite(TestLocalEnvironment):
    """The suite for a class that is nearly right."""

    patience = 5.0
    made: Callable[[], Environment] = Steps

    @pytest.fixture
    async def environment(self, site: Site) -> AsyncIterator[Environment]:
        async with started(type(self).made(), site) as environment:
            yield environment


def reading(change: Callable[[bytes], bytes]) -> type[Steps]:
    """An environment that stores something else."""

    class Reads(Steps):
        def read(self, source: Path) -> bytes:
            return change(super().read(source))

    return Reads


def aiming(change: Callable[[Path], Path]) -> type[Steps]:
    """An environment that stores elsewhere."""

    class Aims(Steps):
        async def target(self, uri: str) -> Path:
            return change(await super().target(uri))

    return Aims


def copying(copy: Callable[[Path, Path], object]) -> type[Steps]:
    """An environment that copies in another way."""

    class Copies(Steps):
        def copy(self, source: Path, target: Path) -> None:
            target.parent.mkdir(parents=True, exist_ok=True)
            copy(source, target)

    return Copies


def awaiting(before: Callable[[Steps, Path], Awaitable[object]]) -> type[Steps]:
    """An environment that does something first."""

    class Awaits(Steps):
        async def store(self, source: Path, target: Path) -> None:
            await before(self, source)
            await super().store(source, target)

    return Awaits


def doing(before: Callable[[], object]) -> type[Steps]:
    """An environment that does something first, in the loop's thread."""

    async def act(one: Steps, source: Path) -> None:
        before()

    return awaiting(act)


def failing(change: Callable[[Path, Path, OSError], Any]) -> type[Steps]:
    """An environment with other errors."""

    class Fails(Steps):
        def failure(self, source: Path, target: Path, exc: OSError) -> Any:
            return change(source, target, exc)

    return Fails


def anywhere(change: Callable[[str], Path]) -> type[Steps]:
    """An environment that takes foreign addresses."""

    class Takes(Steps):
        async def target(self, uri: str) -> Path:
            try:
                return await super().target(uri)
            except LaunchError:
                return change(uri)

    return Takes


def raised(exc: BaseException) -> Any:
    raise exc
