"""What every component keeps to, and the fixtures that all suites share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from launchkit.abc import Component, Site
from launchkit.codec import decode
from launchkit.errors import ConfigError
from launchkit.testing.makers import site_at


class ComponentContract:
    """The part that all suites have. Each suite's main fixture is its `component`."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def component(self) -> Component:
        """The component under test."""
        raise pytest.UsageError("override the fixture `component`")

    @pytest.fixture
    async def site(self, tmp_path: Path) -> AsyncIterator[Site]:
        """A place to start components at, with no other components in it."""
        async with site_at(tmp_path / "site") as site:
            yield site

    async def test_it_has_a_kind(self, component: Component) -> None:
        """The configuration selects it by a word of its own."""
        assert component.kind
        assert component.kind == component.kind.strip().lower()
        assert component.kind not in component.aliases

    async def test_an_unknown_setting_is_refused(self, component: Component) -> None:
        """A misspelled setting must not be lost in silence."""
        with pytest.raises(ConfigError, match="no_such_setting"):
            decode(type(component), {"no_such_setting": 1})

    async def test_its_class_describes_its_settings(self, component: Component) -> None:
        """Editors go by the schema."""
        Draft202012Validator.check_schema(type(component).settings_schema())

    async def test_a_check_says_what_it_looked_at(self, component: Component) -> None:
        """`launchkit doctor` shows each finding."""
        for finding in await component.check():
            assert finding.subject
            assert finding.message
            assert finding.level in {"ok", "warning", "error"}
