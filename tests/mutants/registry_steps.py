"""What registries with one defect are made of, and their suites."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from depots import FakeDepot, ServedDepot
from registry.conftest import PASSWORD, USER, Served

from launchkit.abc import Finding, Registry, Site
from launchkit.builtin.oci.registry import OciRegistry
from launchkit.errors import LaunchError
from launchkit.model import Credentials
from launchkit.testing import Depot, FakeRegistry, RegistryContract, registry_server, started


@dataclass(kw_only=True)
class CheckedRegistry(FakeRegistry):
    """A fake that looks around, too."""

    def __post_init__(self) -> None:
        """For those with something to remember."""

    async def check(self) -> Sequence[Finding]:
        try:
            await self.exists(self.image_ref("check"))
        except LaunchError as exc:
            return [Finding(level="error", subject="registry fake", message=exc.message)]
        return [Finding(level="ok", subject="registry fake", message="answers")]


class Suite(RegistryContract):
    """The suite for a class that is nearly right."""

    patience = 5.0
    made: Callable[[], FakeRegistry] = CheckedRegistry

    @pytest.fixture
    def registry(self) -> Registry:
        return type(self).made()

    @pytest.fixture
    def depot(self, registry: FakeRegistry) -> Depot:
        return FakeDepot(registry)


class OciSuite(RegistryContract):
    """The same for a registry that runs and wants a password."""

    patience = 10.0
    made: Callable[..., Registry] = OciRegistry
    account: ClassVar[tuple[str, str] | None] = (USER, PASSWORD)

    @pytest.fixture
    def served(self, tmp_path: Path) -> Iterator[Served]:
        folder = tmp_path / "served"
        with registry_server(folder, login=self.account) as server:
            htpasswd = folder / "htpasswd" if self.account else None
            yield Served(host=server.host, login=self.account, htpasswd=htpasswd)

    @pytest.fixture
    async def depot(self, served: Served, tmp_path: Path) -> AsyncIterator[Depot]:
        async with ServedDepot.of(served, tmp_path / "password") as depot:
            yield depot

    @pytest.fixture
    async def registry(self, depot: ServedDepot, site: Site) -> AsyncIterator[Registry]:
        async with started(type(self).made(**depot.settings), site) as registry:
            yield registry


def referring(change: Callable[[str, str], str]) -> type[FakeRegistry]:
    """A registry that makes references so of its name and a tag."""

    class Refers(CheckedRegistry):
        def image_ref(self, tag: str) -> str:
            return change(self.name, tag)

    return Refers


def giving(change: Callable[[Credentials], Any]) -> type[FakeRegistry]:
    """A registry that changes its logins."""

    class Gives(CheckedRegistry):
        async def credentials(self) -> Credentials:
            made: Credentials = change(await super().credentials())
            return made

    return Gives


def answering(change: Callable[[str, bool, FakeRegistry], Any]) -> type[FakeRegistry]:
    """A registry that changes whether an image is there."""

    class Answers(CheckedRegistry):
        async def exists(self, ref: str) -> bool:
            answer: bool = change(ref, await super().exists(ref), self)
            return answer

    return Answers


def digesting(change: Callable[[str | None], str | None]) -> type[FakeRegistry]:
    """A registry that changes its digests."""

    class Digests(CheckedRegistry):
        async def digest(self, ref: str) -> str | None:
            return change(await super().digest(ref))

    return Digests


def failing(change: Callable[[FakeRegistry, LaunchError], Any]) -> type[FakeRegistry]:
    """A registry that says otherwise that it is away."""

    class Fails(CheckedRegistry):
        async def exists(self, ref: str) -> bool:
            try:
                return await super().exists(ref)
            except LaunchError as exc:
                result: bool = change(self, exc)
                return result

    return Fails


def checking(change: Callable[[FakeRegistry, Sequence[Finding]], Any]) -> type[FakeRegistry]:
    """A registry that finds otherwise."""

    class Checks(CheckedRegistry):
        async def check(self) -> Sequence[Finding]:
            found: Sequence[Finding] = change(self, await super().check())
            return found

    return Checks


def raised(exc: BaseException, cause: BaseException | None = None) -> Any:
    raise exc from cause


def password(registry: FakeRegistry) -> str:
    return registry.images.password
