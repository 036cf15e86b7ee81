"""The queue service keeps to both contracts of a queue, over real sockets and both databases."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import cast

import pytest
from anyio.from_thread import start_blocking_portal

from launchkit.abc import Component, Hub, QueueBackend, Site
from launchkit.builtin.http.backend import HttpBackend
from launchkit.builtin.http.hub import HttpHub
from launchkit.testing import HubContract, QueueBackendContract, VirtualClock, started
from launchkit.testing.contracts.service import Advance

from .conftest import Served, replicas, serving
from .people import HubOfPeople


@pytest.fixture
def server(database_url: str, clock: VirtualClock) -> Iterator[Served]:
    """A service over SQLite, and two replicas over PostgreSQL that take turns."""
    make = serving if database_url.startswith("sqlite") else replicas
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(make(database_url, clock)) as served,
    ):
        yield served


@pytest.fixture
async def hubs(server: Served, site: Site) -> AsyncIterator[dict[str, HttpHub]]:
    made = {
        name: HttpHub(url=server.url, entity="test", token=token)
        for name, token in server.tokens.items()
    }
    async with AsyncExitStack() as stack:
        for hub in made.values():
            await stack.enter_async_context(started(hub, site))
        yield made


class OverHttp:
    @pytest.fixture
    def hub(self, hubs: dict[str, HttpHub]) -> Hub:
        return cast("Hub", HubOfPeople(hubs))

    @pytest.fixture
    def advance(self, clock: VirtualClock) -> Advance:
        async def advance(seconds: float) -> None:
            clock.advance(seconds)

        return advance


class TestHttpHub(OverHttp, HubContract):
    @pytest.fixture
    def component(self, hubs: dict[str, HttpHub]) -> Component:
        return hubs["ann"]


class TestHttpBackend(OverHttp, QueueBackendContract):
    @pytest.fixture
    async def backend(self, server: Served, site: Site) -> AsyncIterator[QueueBackend]:
        made = HttpBackend(url=server.url, entity="test", token=server.tokens["ann"])
        async with started(made, site) as backend:
            yield backend
