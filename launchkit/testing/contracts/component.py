"""What every component keeps to, and the fixtures that all suites share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import anyio
import pytest
from jsonschema import Draft202012Validator

from launchkit.abc import Component, Site
from launchkit.codec import decode
from launchkit.errors import ConfigError, unwrapped
from launchkit.testing.contracts.conduct import refused
from launchkit.testing.contracts.deadline import set_last_deadline
from launchkit.testing.makers import site_at, started

C = TypeVar("C", bound=Component)


class ComponentContract:
    """The part that all suites have. Each suite's main fixture is its `component`."""

    pytestmark = pytest.mark.anyio

    patience = 60.0
    """Seconds that what takes long may take, such as the start or the end of a run."""
    each_nth = 1
    """More, where lives take long: one of so many is killed, or has a request go wrong."""

    @pytest.fixture(autouse=True)
    def _last_deadline(self, pytestconfig: pytest.Config) -> None:
        set_last_deadline(3 * self.patience, pytestconfig)

    @pytest.fixture
    def component(self) -> Component:
        """The component under test."""
        raise pytest.UsageError("override the fixture `component`")

    @pytest.fixture
    async def site(self, tmp_path: Path) -> AsyncIterator[Site]:
        """A place to start components at, with no other components in it."""
        async with site_at(tmp_path / "site") as site:
            yield site

    @asynccontextmanager
    async def another(self, component: C, site: Site) -> AsyncIterator[C]:
        """A component of the same settings, as the next agent of the site has it."""
        with unwrapped():
            async with anyio.create_task_group() as tasks:
                at = replace(site, tasks=tasks)
                async with started(replace(component), at) as other:  # type: ignore[type-var] # a dataclass
                    yield other
                tasks.cancel_scope.cancel()

    async def test_it_has_a_kind(self, component: Component) -> None:
        """The configuration selects it by a word of its own."""
        assert component.kind, "the configuration selects a component by its kind, but it has none"
        assert component.kind == component.kind.strip().lower(), "a kind is a word in lower case"
        assert component.kind not in component.aliases, "an alias is another word than the kind"

    async def test_an_unknown_setting_is_refused(self, component: Component) -> None:
        """A misspelled setting must not be lost in silence."""
        with refused(
            ConfigError, "a misspelled setting is refused by its name", match="no_such_setting"
        ):
            decode(type(component), {"no_such_setting": 1})

    async def test_its_class_describes_its_settings(self, component: Component) -> None:
        """Editors go by the schema."""
        Draft202012Validator.check_schema(type(component).settings_schema())

    async def test_a_check_says_what_it_looked_at(self, component: Component) -> None:
        """`launchkit doctor` shows each finding."""
        for finding in await component.check():
            assert finding.subject, "a finding of a check has a subject"
            assert finding.message, "a finding of a check has a message"
            assert finding.level in {"ok", "warning", "error"}, (
                "the level of a finding is ok, warning or error"
            )
