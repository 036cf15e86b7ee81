"""The local environment, and the builder that builds nothing."""

from pathlib import Path

import anyio
import pytest
from workshops import FakeWorkshop

from launchkit.abc import Component
from launchkit.builtin.local import LocalEnvironment
from launchkit.builtin.noop import NoopBuilder
from launchkit.testing import BuilderContract, EnvironmentContract
from launchkit.testing.contracts.environment import Stored


class TestLocalEnvironment(EnvironmentContract):
    @pytest.fixture
    def environment(self) -> LocalEnvironment:
        return LocalEnvironment()

    @pytest.fixture
    def uri(self, tmp_path: Path) -> str:
        return f"file://{tmp_path}/storage/object"

    @pytest.fixture
    def stored(self) -> Stored:
        async def read(uri: str) -> bytes:
            return await anyio.Path(uri.removeprefix("file://")).read_bytes()

        return read


class TestNoopBuilder(BuilderContract):
    @pytest.fixture
    def builder(self) -> NoopBuilder:
        return NoopBuilder()

    @pytest.fixture
    def workshop(self) -> FakeWorkshop:
        return FakeWorkshop()

    async def test_an_unknown_setting_is_refused(self, component: Component) -> None:
        """Not here: it stands in for any other builder, with the settings of that one."""
        assert type(component).configured({"no_such_setting": 1}) == component
