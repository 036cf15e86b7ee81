"""A registry as its suites see it: what is behind it, fixtures to override, and steps."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager, nullcontext

import pytest

from launchkit.abc import Component, Registry
from launchkit.model import Credentials
from launchkit.testing.contracts.component import ComponentContract
from launchkit.testing.contracts.conduct import well_behaved


class Depot(ABC):
    """The registry, seen from behind: what a test puts there, past the component."""

    @abstractmethod
    async def push(self, tag: str) -> str | None:
        """Put an image there that is unlike all others, in place of one with that tag; its digest,
        None where the registry tells none.
        """

    @abstractmethod
    async def remove(self, tag: str) -> None:
        """Take the tag away."""

    async def tags(self) -> Collection[str] | None:
        """All tags that are there; None: it cannot tell."""
        return None

    async def accepts(self, login: Credentials) -> bool:
        """Whether the registry lets somebody in with it."""
        return True

    async def age(self) -> bool:
        """Let the logins that were given until now be worth nothing; False: they never age."""
        return False

    def away(self) -> AbstractAsyncContextManager[None]:
        """The registry cannot be reached for the time of the context."""
        return nullcontext()


class RegistryCase(ComponentContract):
    """The fixtures of the suites for registries, and steps."""

    @pytest.fixture
    def registry(self) -> Registry:
        """The started registry."""
        raise pytest.UsageError("override the fixture `registry`")

    @pytest.fixture
    def depot(self) -> Depot:
        """What is behind it."""
        raise pytest.UsageError("override the fixture `depot`")

    @pytest.fixture
    def component(self, registry: Registry) -> Component:
        """The registry."""
        return registry

    async def has(self, registry: Registry, tag: str) -> bool:
        """Whether it says that it has an image with that tag."""
        ref = self.ref(registry, tag)
        with well_behaved(self.patience, "whether an image is there is told soon"):
            answer = await registry.exists(ref)
        assert isinstance(answer, bool), f"whether an image is there is yes or no, not {answer!r}"
        return answer

    async def digest(self, registry: Registry, tag: str) -> str | None:
        """The digest that it tells."""
        ref = self.ref(registry, tag)
        with well_behaved(self.patience, "a digest is told soon"):
            return await registry.digest(ref)

    async def login(self, registry: Registry) -> Credentials | None:
        """The login that it gives."""
        with well_behaved(self.patience, "a login is given soon"):
            return await registry.credentials()

    def ref(self, registry: Registry, tag: str) -> str:
        """The reference of a tag."""
        with well_behaved(self.patience, "a reference is made at once"):
            return registry.image_ref(tag)
