"""The fixtures of the suites for hubs."""

import pytest

from launchkit.abc import Component, Hub
from launchkit.testing.contracts.component import ComponentContract
from launchkit.testing.contracts.service import UserSide


class UserContract(ComponentContract):
    """A fixture to override, and the steps of a user."""

    patience = 60.0
    """Seconds that an answer, or a wake-up, may take."""

    @pytest.fixture
    def hub(self) -> Hub:
        """The started hub."""
        raise pytest.UsageError("override the fixture `hub`")

    @pytest.fixture
    def component(self, hub: Hub) -> Component:
        """The hub."""
        return hub

    @pytest.fixture
    def user(self, hub: Hub) -> UserSide:
        """The user's side, whose calls have deadlines."""
        return UserSide(hub, self.patience)
