"""A queue service as the suites see it: the agent's side, the user's side, and a clock."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import anyio
import pytest

from launchkit.abc import Component, Hub, LaunchRequest, QueueBackend
from launchkit.model import (
    AgentOrders,
    Claim,
    ItemReport,
    ItemState,
    Priority,
    QueueItem,
    QueueSpec,
)
from launchkit.testing.contracts.component import ComponentContract
from launchkit.testing.makers import make_capacity, make_spec, make_status

Advance: TypeAlias = Callable[[float], Awaitable[None]]


class QueueService(ComponentContract):
    """Fixtures to override, and the steps that tests on both sides are made of."""

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

    async def queue(
        self, hub: Hub, *, prioritization: bool = False, max_concurrent: int | None = None
    ) -> QueueSpec:
        """Make the queue `q`."""
        spec = QueueSpec(
            name="q",
            resource="local-process",
            prioritization=prioritization,
            max_concurrent=max_concurrent,
        )
        await hub.queues().create(spec, "ann")
        return spec

    async def launch(
        self, hub: Hub, name: str = "run", priority: Priority | None = None
    ) -> QueueItem:
        """Put a launch into `q`."""
        request = LaunchRequest(spec=make_spec(name), actor="ann", priority=priority)
        return await hub.launches().launch("q", request)

    async def claimed(self, backend: QueueBackend, agent: str = "a", site: str = "here") -> Claim:
        """Claim an item that must be there."""
        claim = await backend.claim("q", make_capacity(agent, site))
        assert claim is not None
        return claim

    async def report(
        self, backend: QueueBackend, claim: Claim, state: ItemState, ref: str | None = None
    ) -> None:
        """Report a state."""
        await backend.report(claim, ItemReport(state=state, ref=ref))

    async def beat(self, backend: QueueBackend, claim: Claim) -> AgentOrders:
        """One beat of the agent `a` that waits for nothing."""
        return await backend.beat(make_status("a"), [claim], 0)

    async def log(self, hub: Hub, item: QueueItem) -> bytes:
        """The whole log of an ended item."""
        data = b""
        while True:
            page = await hub.logs().read(item.id, None, len(data), 0)
            data += page.data
            if page.complete and len(data) >= page.size:
                return data
