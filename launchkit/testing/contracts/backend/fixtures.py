"""The fixtures of the suites for queue backends."""

import anyio
import pytest

from launchkit.abc import Component, Hub, QueueBackend
from launchkit.testing.contracts.component import ComponentContract
from launchkit.testing.contracts.service import Advance, Service


class ServiceContract(ComponentContract):
    """Fixtures to override; and what a backend cannot do, which is said by its suite's class."""

    patience = 60.0
    """Seconds that an answer, or a wake-up, may take."""
    knows_locks = True
    """False for a backend whose locks let everybody go on."""
    tells_log_size = True
    """False for one that does not tell how much of a log it has."""
    explains = True
    """False for one that does not tell why a queue would give nothing."""
    learns_of_ends = True
    """False for one to which `leave` says nothing."""

    @pytest.fixture
    def backend(self) -> QueueBackend:
        """The started backend."""
        raise pytest.UsageError("override the fixture `backend`")

    @pytest.fixture
    def hub(self) -> Hub:
        """The started hub of the same service and entity."""
        raise pytest.UsageError("override the fixture `hub`")

    @pytest.fixture
    def advance(self) -> Advance:
        """Lets seconds pass for the backend; this one really waits."""
        return anyio.sleep

    @pytest.fixture
    def component(self, backend: QueueBackend) -> Component:
        """The backend."""
        return backend

    @pytest.fixture
    def service(self, backend: QueueBackend, hub: Hub, advance: Advance) -> Service:
        """Both sides, whose calls have deadlines."""
        return Service(backend, hub, self.patience, advance)
