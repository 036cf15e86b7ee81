"""The suite for registries."""

import time

import pytest

from launchkit.abc import Component, Registry
from launchkit.testing.contracts.component import ComponentContract


class RegistryContract(ComponentContract):
    """Give the fixtures `registry` (started), and `present`, the tag of an image that is in it."""

    @pytest.fixture
    def registry(self) -> Registry:
        """The started registry."""
        raise pytest.UsageError("override the fixture `registry`")

    @pytest.fixture
    def present(self) -> str:
        """The tag of an image that is there."""
        raise pytest.UsageError("override the fixture `present`")

    @pytest.fixture
    def component(self, registry: Registry) -> Component:
        """The registry."""
        return registry

    async def test_a_reference_ends_with_its_tag(self, registry: Registry) -> None:
        """It is a name that any client of the registry understands."""
        ref = registry.image_ref("v1")
        assert ref.endswith(":v1")
        assert "://" not in ref

    async def test_an_image_that_is_there_is_found(self, registry: Registry, present: str) -> None:
        """It is not built again."""
        assert await registry.exists(registry.image_ref(present))

    async def test_an_image_that_is_not_there_is_no_error(self, registry: Registry) -> None:
        """It will be built."""
        assert not await registry.exists(registry.image_ref("no-such-tag"))

    async def test_a_login_is_valid_and_keeps_its_password_to_itself(
        self, registry: Registry
    ) -> None:
        """It is asked for shortly before it is used."""
        login = await registry.credentials()
        if login is None:
            return
        assert login.username
        assert login.expires_at is None or login.expires_at > time.time()
        assert str.__str__(login.password) not in repr(login)
